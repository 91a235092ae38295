import { describe, expect, test } from "bun:test";
import { type Database, openDatabase } from "#lib/db";
import type { Clock } from "#lib/time";
import type { Event, Events } from "./event.ts";
import { createEvents, EVENT_MIGRATIONS } from "./event-log.ts";
import { NO_FILTERS, parseFilters } from "./filters.ts";
import { FOLLOWER_LIMIT } from "./follower.ts";

class FakeClock implements Clock {
  timeNano = 1_000_000_000n;
  readonly #timers = new Map<() => void, bigint>();

  nowNano(): bigint {
    return this.timeNano;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#timers.set(callback, this.timeNano + BigInt(delayMs) * 1_000_000n);
    return () => this.#timers.delete(callback);
  }

  advance(ms: number): void {
    this.timeNano += BigInt(ms) * 1_000_000n;
    for (const [callback, dueNano] of [...this.#timers]) {
      if (dueNano > this.timeNano) continue;
      this.#timers.delete(callback);
      callback();
    }
  }

  get pending(): number {
    return this.#timers.size;
  }
}

interface Setup {
  readonly database: Database;
  readonly clock: FakeClock;
  readonly events: Events;
  readonly errors: unknown[];
}

function setup(database: Database = openDatabase(":memory:", EVENT_MIGRATIONS)): Setup {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  return { database, clock, errors, events: createEvents({ database, clock, report: (error) => errors.push(error) }) };
}

function emit(events: Events, action: string): void {
  events.emit({ type: "container", action, actorID: "c1", attributes: { name: "web" } });
}

async function collect(source: AsyncIterable<Event>): Promise<string[]> {
  const actions: string[] = [];
  for await (const event of source) actions.push(event.action);
  return actions;
}

describe("createEvents()", () => {
  test("history comes first, then what happens until the signal", async () => {
    const { events } = setup();
    emit(events, "create");
    const stop = new AbortController();
    const collected = collect(events.subscribe({ sinceNano: 0n, filters: NO_FILTERS, signal: stop.signal }));
    emit(events, "start");
    emit(events, "die");
    stop.abort();
    expect(await collected).toEqual(["create", "start", "die"]);
  });

  test("there is no history without since", async () => {
    const { events } = setup();
    emit(events, "create");
    const stop = new AbortController();
    const collected = collect(events.subscribe({ filters: NO_FILTERS, signal: stop.signal }));
    emit(events, "start");
    stop.abort();
    expect(await collected).toEqual(["start"]);
  });

  test("history survives the process that wrote it", async () => {
    const { database, clock, events } = setup();
    emit(events, "create");
    await Promise.resolve();
    const later = setup(database);
    later.clock.timeNano = clock.timeNano + 5n;
    const query = { sinceNano: 0n, untilNano: clock.timeNano, filters: NO_FILTERS };
    expect(await Array.fromAsync(later.events.subscribe(query))).toEqual([
      { type: "container", action: "create", actorID: "c1", attributes: { name: "web" }, timeNano: 1_000_000_000n },
    ]);
  });

  test("an event is committed before what its emitter awaits next", async () => {
    const { database, events } = setup();
    emit(events, "create");
    await Promise.resolve();
    expect(database.get<{ n: number }>("SELECT count(*) AS n FROM events")?.n).toBe(1);
  });

  test("a clock that stands still or goes back does not mix up the order", async () => {
    const { clock, events } = setup();
    emit(events, "one");
    emit(events, "two");
    clock.timeNano -= 500n;
    emit(events, "three");
    const untilNano = clock.timeNano + 1000n;
    clock.timeNano += 2000n;
    const seen = await Array.fromAsync(events.subscribe({ sinceNano: 0n, untilNano, filters: NO_FILTERS }));
    expect(seen.map((event) => event.action)).toEqual(["one", "two", "three"]);
    expect(new Set(seen.map((event) => event.timeNano)).size).toBe(3);
  });

  test("since and until are inclusive bounds of history", async () => {
    const { clock, events } = setup();
    for (const action of ["a", "b", "c", "d"]) {
      emit(events, action);
      clock.timeNano += 10n;
    }
    const bounds = { sinceNano: 1_000_000_010n, untilNano: 1_000_000_020n };
    expect(await collect(events.subscribe({ ...bounds, filters: NO_FILTERS }))).toEqual(["b", "c"]);
  });

  test("until in the future ends a follower at that time", async () => {
    const { clock, events } = setup();
    const collected = collect(events.subscribe({ untilNano: clock.timeNano + 5_000_000n, filters: NO_FILTERS }));
    emit(events, "before");
    clock.advance(4);
    emit(events, "still before");
    clock.advance(2);
    emit(events, "after");
    expect(await collected).toEqual(["before", "still before"]);
    expect(clock.pending).toBe(0);
  });

  test("filters hold for history and for what comes", async () => {
    const { events } = setup();
    const stop = new AbortController();
    emit(events, "start");
    emit(events, "die");
    const filters = parseFilters('{"event":["die"]}');
    const collected = collect(events.subscribe({ sinceNano: 0n, filters, signal: stop.signal }));
    emit(events, "start");
    emit(events, "die");
    stop.abort();
    expect(await collected).toEqual(["die", "die"]);
  });

  test("a follower that does not read is dropped with an error", async () => {
    const { events } = setup();
    const stream = events.subscribe({ filters: NO_FILTERS });
    for (let index = 0; index <= FOLLOWER_LIMIT; index++) emit(events, "start");
    await expect(collect(stream)).rejects.toMatchObject({ kind: "unavailable" });
  });

  test("a reader that leaves is forgotten, with its timer", async () => {
    const { clock, events } = setup();
    const stream = events.subscribe({ untilNano: clock.timeNano + 10n ** 12n, filters: NO_FILTERS });
    emit(events, "start");
    for await (const event of stream) {
      expect(event.action).toBe("start");
      break;
    }
    expect(clock.pending).toBe(0);
  });

  test("an aborted signal ends at once, history included or not", async () => {
    const { events } = setup();
    const signal = AbortSignal.abort();
    expect(await collect(events.subscribe({ filters: NO_FILTERS, signal }))).toEqual([]);
  });

  test("history is bounded and long history is read in pages", async () => {
    const { clock, database, events } = setup();
    for (let turn = 0; turn < 21; turn++) {
      for (let index = 0; index < 500; index++) emit(events, `${turn * 500 + index}`);
      await Promise.resolve();
    }
    expect(database.get<{ n: number }>("SELECT count(*) AS n FROM events")?.n).toBe(10_000);
    clock.timeNano += 20_000n;
    const actions = await collect(
      events.subscribe({ sinceNano: 0n, untilNano: clock.timeNano - 1n, filters: NO_FILTERS }),
    );
    expect(actions).toHaveLength(10_000);
    expect(actions.at(0)).toBe("500");
    expect(actions.at(-1)).toBe("10499");
  });

  test("a write that fails is reported, and followers still see the event", async () => {
    const { database, events, errors } = setup();
    const stop = new AbortController();
    const collected = collect(events.subscribe({ filters: NO_FILTERS, signal: stop.signal }));
    database.run("DROP TABLE events");
    emit(events, "start");
    await Promise.resolve();
    stop.abort();
    expect(await collected).toEqual(["start"]);
    expect(errors).toHaveLength(1);
  });
});
