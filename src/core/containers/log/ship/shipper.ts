/**
 * Sends one log to its sink, line by line as the file has them. Three places in the log matter:
 *
 *     confirmed ≤ sent ≤ written
 *
 * What is between confirmed and sent may be lost when the connection breaks: then it is sent again. `confirmed` is noted in a file,
 * so that a later daemon goes on from there.
 */
import { messageOf } from "#lib/errors";
import type { Clock } from "#lib/time";
import { Change } from "../change.ts";
import { type Position, readPosition, writePosition } from "./position.ts";
import type { OpenSink, Sink } from "./sink.ts";
import { SpoolReader } from "./spool-reader.ts";

export interface ShipperOptions {
  readonly logPath: string;
  readonly positionPath: string;
  /** Makes the IDs of lines differ between containers. */
  readonly subject: string;
  readonly open: OpenSink;
  readonly clock: Clock;
  /** The first wait after a failure. */
  readonly retryMs?: number | undefined;
  /** It begins when this resolves: when one before it has noted how far it came. */
  readonly after?: Promise<void> | undefined;
  readonly report: ShipperReports;
}

/** What happens that people should know. */
export interface ShipperReports {
  /** The first failure after a success. */
  readonly failed: (reason: string) => void;
  readonly recovered: () => void;
  /** Rotation removed lines before they were sent: at least so many. */
  readonly lost: (lines: number | undefined) => void;
}

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 30_000;
/** How often the position is noted, and how often rotations are looked for while the sink is down. */
const NOTE_MS = 1000;
const LOOK_MS = 200;
/** A number of tries after which the wait does not grow any more, whatever it began with. */
const MOST_DOUBLINGS = 16;

export class Shipper {
  /** Resolves when it is stopped, or nothing more can come and all was sent. */
  readonly done: Promise<void>;
  readonly #options: ShipperOptions;
  readonly #stop = new AbortController();
  readonly #change: Change;
  readonly #spool: SpoolReader;
  #sent = Promise.withResolvers<void>();
  #failed = Promise.withResolvers<void>();
  #confirmed: Position | undefined;
  #noted: { position: Position | undefined; atMs: number } = { position: undefined, atMs: 0 };
  #unconfirmed: { position: Position; atMs: number }[] = [];
  #failures = 0;
  #looked = Promise.withResolvers<void>();
  #isOver = false;
  #isClosed = false;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#change = new Change(options.logPath);
    this.#spool = new SpoolReader({
      path: options.logPath,
      subject: options.subject,
      lost: options.report.lost,
    });
    this.done = this.#run();
  }

  /** Resolves when the sink did not take what it was last offered. */
  get failed(): Promise<void> {
    return this.#failed.promise;
  }

  /** Resolves when nothing more can come and all was sent, confirmed or not. */
  get sent(): Promise<void> {
    return this.#sent.promise;
  }

  /** Resolves after the next look for rotations while the sink is down. */
  looked(): Promise<void> {
    return this.#looked.promise;
  }

  /** Nothing more is written: it ends when all is sent. */
  finish(): void {
    this.#isOver = true;
    this.#change.notify();
  }

  /** Something may be written again. False when it has ended already, or is about to. */
  resume(): boolean {
    if (this.#isClosed) return false;
    this.#isOver = false;
    this.#sent = Promise.withResolvers();
    return true;
  }

  /** Ends now. A later one goes on from where this one came. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#stop.abort(new Error("the shipper was stopped"));
    this.#change.notify();
    await this.done.catch(() => undefined);
  }

  async #run(): Promise<void> {
    await using _spool = this.#spool;
    using _change = this.#change;
    await this.#options.after;
    this.#confirmed = await readPosition(this.#options.positionPath);
    while (!this.#stop.signal.aborted) {
      try {
        await this.#session();
        break;
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        if (this.#failures++ === 0) this.#options.report.failed(messageOf(error));
        this.#failed.resolve();
        await this.#backOff();
      }
    }
    await this.#note();
  }

  /** One connection after the other, until one fails or all is sent. @throws `unavailable` */
  async #session(): Promise<void> {
    await this.#spool.seek(this.#confirmed);
    this.#unconfirmed = [];
    for (;;) {
      using connection = new Connection();
      const outcome = await this.#ship(connection);
      if (outcome === "over") return;
    }
  }

  async #ship(connection: Connection): Promise<"over" | "idle connection lost"> {
    for (;;) {
      this.#stop.signal.throwIfAborted();
      // Looked at before reading: what is written after it shows up as a change.
      const isOver = this.#isOver;
      const seen = this.#change.count;
      const batch = await this.#spool.next();
      await this.#confirm(connection.doubtMs);
      if (batch) {
        const sink = await connection.get(this.#options.open, this.#stop.signal);
        await sink.send(batch.records, this.#stop.signal);
        this.#unconfirmed.push({ position: batch.end, atMs: this.#nowMs() });
        this.#succeeded();
        if (this.#nowMs() - this.#noted.atMs >= NOTE_MS) await this.#note();
        continue;
      }
      if (isOver) this.#sent.resolve();
      if (isOver && this.#isOver && this.#unconfirmed.length === 0) {
        this.#isClosed = true;
        return "over";
      }
      if (await this.#idle(connection, seen)) return "idle connection lost";
    }
  }

  /** Waits for something to do; true when the connection ended with nothing in doubt. @throws `unavailable` when something is */
  async #idle(connection: Connection, seen: number): Promise<boolean> {
    const isDirty = this.#noted.position !== this.#confirmed;
    const noteInMs = this.#noted.atMs + NOTE_MS - this.#nowMs();
    if (isDirty && noteInMs <= 0) return await this.#note().then(() => false);
    const [oldest] = this.#unconfirmed;
    const confirmInMs = oldest && oldest.atMs + connection.doubtMs - this.#nowMs();
    const waits = [confirmInMs, isDirty ? noteInMs : undefined].filter((ms) => ms !== undefined);
    const timer = this.#timer(waits.length > 0 ? Math.max(1, Math.min(...waits)) : undefined);
    try {
      const lost = await Promise.race([
        this.#change.after(seen).then(() => undefined),
        timer.due.then(() => undefined),
        connection.lost,
      ]);
      if (lost && this.#unconfirmed.length > 0) throw lost;
      return lost !== undefined;
    } finally {
      timer.cancel();
    }
  }

  /** Moves on to what was sent long enough ago. */
  async #confirm(doubtMs: number): Promise<void> {
    const before = this.#confirmed;
    const now = this.#nowMs();
    while (this.#unconfirmed[0] && this.#unconfirmed[0].atMs + doubtMs <= now) {
      this.#confirmed = this.#unconfirmed.shift()?.position;
    }
    if (this.#confirmed?.file !== before?.file) await this.#spool.release(this.#confirmed);
  }

  #succeeded(): void {
    if (this.#failures === 0) return;
    this.#options.report.recovered();
    this.#failures = 0;
    this.#failed = Promise.withResolvers();
  }

  /** Files that rotation removes meanwhile are counted. */
  async #backOff(): Promise<void> {
    const first = this.#options.retryMs ?? FIRST_RETRY_MS;
    const delayMs = Math.min(LONGEST_RETRY_MS, first * 2 ** Math.min(this.#failures - 1, MOST_DOUBLINGS));
    const endMs = this.#nowMs() + delayMs;
    let looked = -1;
    while (!this.#stop.signal.aborted && this.#nowMs() < endMs) {
      const timer = this.#timer(Math.max(1, Math.min(LOOK_MS, endMs - this.#nowMs())));
      await Promise.race([timer.due, aborted(this.#stop.signal)]);
      timer.cancel();
      if (this.#change.count !== looked) await this.#spool.look();
      looked = this.#change.count;
      this.#looked.resolve();
      this.#looked = Promise.withResolvers();
    }
  }

  /** A container that is being removed takes its folder along. */
  async #note(): Promise<void> {
    const position = this.#confirmed;
    this.#noted = { position, atMs: this.#nowMs() };
    if (position) await writePosition(this.#options.positionPath, position).catch(() => undefined);
  }

  #nowMs(): number {
    return Number(this.#options.clock.nowNano() / 1_000_000n);
  }

  #timer(delayMs: number | undefined): { due: Promise<void>; cancel: () => void } {
    const due = Promise.withResolvers<void>();
    const cancel = delayMs === undefined ? undefined : this.#options.clock.after(delayMs, due.resolve);
    return { due: due.promise, cancel: () => cancel?.() };
  }
}

/** Opened when there is something to send. */
class Connection implements Disposable {
  #sink: Sink | undefined;

  get doubtMs(): number {
    return this.#sink?.doubtMs ?? 0;
  }

  get lost(): Promise<Error> {
    return this.#sink?.lost ?? new Promise(() => undefined);
  }

  async get(open: OpenSink, signal: AbortSignal): Promise<Sink> {
    this.#sink ??= await open(signal);
    return this.#sink;
  }

  [Symbol.dispose](): void {
    this.#sink?.[Symbol.dispose]();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
