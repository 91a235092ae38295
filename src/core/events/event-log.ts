import type { Database, Migration } from "#lib/db";
import type { Clock } from "#lib/time";
import type { Event, Events } from "./event.ts";
import { Follower } from "./follower.ts";
import { eventMatcher } from "./matches.ts";

export const EVENT_MIGRATIONS: readonly Migration[] = [
  {
    name: "events/1",
    sql: `CREATE TABLE events (
      time_nano INTEGER PRIMARY KEY,
      type TEXT NOT NULL,
      action TEXT NOT NULL,
      actor_id TEXT NOT NULL,
      attributes TEXT NOT NULL
    )`,
  },
];

/** Events kept; dockerd forgets all but 256 and those too when it stops. */
const HISTORY_LIMIT = 10_000;
/** Trimming costs a scan, so it happens once in so many events. */
const TRIM_INTERVAL = 500;
/** Rows of history in memory at a time. */
const PAGE_SIZE = 500;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface EventLogOptions {
  /** Should commit without a sync to disk: an event has to survive the daemon, not a power cut. */
  readonly database: Database;
  readonly clock: Clock;
  /** Told when history could not be written (the disk is full). Followers have seen the events nevertheless. */
  readonly report: (error: unknown) => void;
}

/**
 * The event history in SQLite, and those who follow it.
 *
 * 1. No two events have the same time: a clock that stands still or goes back is counted on by a nanosecond. The time
 *    is the key, so history is in the order of emission.
 * 2. An event is committed in the microtask after its emission, hence before anything that the emitter awaits later,
 *    such as its answer to the client; those of one turn share a transaction.
 * 3. A follower is registered before its history is read, and the history ends where it registered: no gap, no repeat.
 */
export function createEvents(options: EventLogOptions): Events {
  return new EventLog(options);
}

class EventLog implements Events {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #report: (error: unknown) => void;
  readonly #followers = new Set<Follower>();
  #unwritten: Event[] = [];
  #lastNano: bigint;
  #sinceTrim = 0;

  constructor({ database, clock, report }: EventLogOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#report = report;
    const last = database.get<{ last: string | null }>("SELECT CAST(max(time_nano) AS TEXT) AS last FROM events");
    this.#lastNano = BigInt(last?.last ?? 0);
    this.#trim();
  }

  emit(event: Omit<Event, "timeNano">): void {
    const stamped: Event = { ...event, timeNano: this.#nextNano() };
    if (this.#unwritten.length === 0) queueMicrotask(() => this.#writeOrReport());
    this.#unwritten.push(stamped);
    for (const follower of this.#followers) follower.offer(stamped);
  }

  subscribe(options: Parameters<Events["subscribe"]>[0]): AsyncIterable<Event> {
    const matches = eventMatcher(options.filters);
    const { sinceNano, untilNano } = options;
    const follower = new Follower(
      (event) =>
        matches(event) &&
        (sinceNano === undefined || event.timeNano >= sinceNano) &&
        (untilNano === undefined || event.timeNano <= untilNano),
    );
    const registeredNano = this.#lastNano;
    const unregister = this.#register(follower, options);
    const history = sinceNano === undefined ? [] : this.#history(sinceNano, min(untilNano, registeredNano), matches);
    return (async function* () {
      try {
        yield* history;
        yield* follower.read();
      } finally {
        unregister();
      }
    })();
  }

  /** The follower is fed until its time is over, its signal aborts or its reader leaves. */
  #register(follower: Follower, { untilNano, signal }: { untilNano?: bigint; signal?: AbortSignal }): () => void {
    const close = () => follower.close();
    const cancelTimer = untilNano === undefined ? undefined : this.#at(untilNano, close);
    const unregister = () => {
      this.#followers.delete(follower);
      cancelTimer?.();
      signal?.removeEventListener("abort", leave);
    };
    const leave = () => {
      unregister();
      close();
    };
    this.#followers.add(follower);
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
    return unregister;
  }

  /** Calls back at a time, at once when it is over. */
  #at(timeNano: bigint, callback: () => void): () => void {
    let cancel = () => {};
    const arm = () => {
      const leftNano = timeNano - this.#clock.nowNano();
      const leftMs = Number(leftNano / 1_000_000n);
      if (leftNano < 0n) callback();
      else cancel = this.#clock.after(Math.min(leftMs + 1, LONGEST_TIMER_MS), arm);
    };
    arm();
    return () => cancel();
  }

  *#history(fromNano: bigint, toNano: bigint, matches: (event: Event) => boolean): Generator<Event> {
    let next = fromNano;
    for (;;) {
      this.#writeOrReport();
      const page = this.#page(next, toNano);
      for (const event of page) if (matches(event)) yield event;
      const last = page.at(-1);
      if (!last || page.length < PAGE_SIZE) return;
      next = last.timeNano + 1n;
    }
  }

  #page(fromNano: bigint, toNano: bigint): Event[] {
    const rows = this.#database.all<EventRow>(
      `SELECT CAST(time_nano AS TEXT) AS time, type, action, actor_id, attributes FROM events
       WHERE time_nano BETWEEN ? AND ? ORDER BY time_nano LIMIT ?`,
      fromNano,
      toNano,
      PAGE_SIZE,
    );
    return rows.map((row) => ({
      type: row.type,
      action: row.action,
      actorID: row.actor_id,
      attributes: JSON.parse(row.attributes) as Record<string, string>,
      timeNano: BigInt(row.time),
    }));
  }

  #writeOrReport(): void {
    try {
      this.#write();
    } catch (error) {
      this.#report(error);
    }
  }

  #write(): void {
    const events = this.#unwritten;
    if (events.length === 0) return;
    this.#unwritten = [];
    this.#database.transaction(() => {
      for (const { timeNano, type, action, actorID, attributes } of events) {
        this.#database.run(
          "INSERT INTO events (time_nano, type, action, actor_id, attributes) VALUES (?, ?, ?, ?, ?)",
          timeNano,
          type,
          action,
          actorID,
          JSON.stringify(attributes),
        );
      }
    });
    this.#sinceTrim += events.length;
    if (this.#sinceTrim >= TRIM_INTERVAL) this.#trim();
  }

  #trim(): void {
    this.#sinceTrim = 0;
    this.#database.run(
      "DELETE FROM events WHERE time_nano <= (SELECT time_nano FROM events ORDER BY time_nano DESC LIMIT 1 OFFSET ?)",
      HISTORY_LIMIT,
    );
  }

  #nextNano(): bigint {
    const now = this.#clock.nowNano();
    this.#lastNano = now > this.#lastNano ? now : this.#lastNano + 1n;
    return this.#lastNano;
  }
}

interface EventRow {
  readonly time: string;
  readonly type: Event["type"];
  readonly action: string;
  readonly actor_id: string;
  readonly attributes: string;
}

function min(a: bigint | undefined, b: bigint): bigint {
  return a !== undefined && a < b ? a : b;
}
