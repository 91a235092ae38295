import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "#lib/errors";
import { isAbsent, writeAtomic } from "#lib/fs";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import { EVENTS_MEDIA_TYPE, type WireEvent } from "./envelope.ts";

/** Who is told, as the administrator says; the names are docker-registry's. */
export interface EndpointSettings {
  readonly name: string;
  readonly url: string;
  /** Sent along; may hold credentials, so they are shown nowhere. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** The first pause after a failure; each further one is twice as long. */
  readonly backoffMs: number;
  readonly ignore: { readonly mediaTypes: readonly string[]; readonly actions: readonly string[] };
}

export interface EndpointParts {
  /** A file for what could not be delivered before the end. */
  readonly savePath: string;
  readonly clock: Clock;
  readonly log: Logger;
  fetch(url: string, init: RequestInit): Promise<Response>;
}

/** What became of events. */
export interface Deliveries {
  readonly delivered: number;
  /** Attempts; one lot of events may fail many times. */
  readonly failed: number;
  /** Events that nobody will be told about: refused, or too many waited. */
  readonly dropped: number;
  readonly waiting: number;
}

/** Events that wait; then the oldest are dropped. Some 10 MB. */
const MOST_WAITING = 10_000;
/** Events in one request. */
const LOT = 50;
const LONGEST_PAUSE_MS = 60_000;
/** Answers that will be the same next time. */
const REFUSALS: ReadonlySet<number> = new Set([400, 405, 413, 415, 422]);

/** A queue in memory for one receiver, emptied in order, one request after another. Nobody waits for it. */
export class Endpoint {
  readonly settings: EndpointSettings;
  readonly #parts: EndpointParts;
  #waiting: WireEvent[] = [];
  #delivered = 0;
  #failed = 0;
  #dropped = 0;
  /** Failures since the last success. */
  #failures = 0;
  #sending: Promise<void> | undefined;
  #cancelPause: (() => void) | undefined;
  #isClosed = false;
  readonly #closing = new AbortController();

  private constructor(settings: EndpointSettings, parts: EndpointParts) {
    this.settings = settings;
    this.#parts = parts;
  }

  /** With what an earlier run left. */
  static async open(settings: EndpointSettings, parts: EndpointParts): Promise<Endpoint> {
    const endpoint = new Endpoint(settings, parts);
    endpoint.#waiting = await readSaved(parts);
    endpoint.#start();
    return endpoint;
  }

  get deliveries(): Deliveries {
    const waiting = this.#waiting.length;
    return { delivered: this.#delivered, failed: this.#failed, dropped: this.#dropped, waiting };
  }

  add(event: WireEvent): void {
    const { ignore } = this.settings;
    if (ignore.actions.includes(event.action) || ignore.mediaTypes.includes(event.target.mediaType ?? "")) return;
    this.#waiting.push(event);
    this.#limit();
    this.#start();
  }

  /** Tries once more, for `graceMs` at most, and keeps the rest for the next run. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.#start();
    const cancel = this.#parts.clock.after(graceMs, () => this.#closing.abort());
    while (this.#sending !== undefined) await this.#sending;
    cancel();
    if (this.#waiting.length === 0) return;
    await mkdir(dirname(this.#parts.savePath), { recursive: true, mode: 0o700 });
    await writeAtomic(this.#parts.savePath, JSON.stringify(this.#waiting));
  }

  #limit(): void {
    const excess = this.#waiting.length - MOST_WAITING;
    if (excess <= 0) return;
    if (this.#dropped === 0) this.#warn(`more than ${MOST_WAITING} events wait: the oldest are dropped`);
    this.#waiting.splice(0, excess);
    this.#dropped += excess;
  }

  #start(): void {
    if (this.#sending === undefined && this.#waiting.length > 0 && this.#cancelPause === undefined) {
      this.#sending = this.#send();
    }
  }

  /** Empties the queue, or pauses after a failure. */
  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lot = this.#waiting.slice(0, LOT);
      const outcome = await this.#post(lot);
      if (outcome !== "failed") {
        this.#settle(lot, outcome);
        continue;
      }
      if (!this.#isClosed) this.#pause();
      break;
    }
    // In the same turn as the last look at the queue.
    this.#sending = undefined;
  }

  /** Whatever was dropped of the lot meanwhile is no longer the first of the queue. */
  #settle(lot: readonly WireEvent[], outcome: "delivered" | "refused"): void {
    const sent = new Set(lot);
    this.#waiting = this.#waiting.filter((event) => !sent.has(event));
    if (outcome === "delivered") this.#delivered += lot.length;
    else this.#dropped += lot.length;
    this.#failures = 0;
  }

  #pause(): void {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, this.settings.backoffMs * 2 ** Math.min(20, this.#failures - 1));
    this.#cancelPause = this.#parts.clock.after(pauseMs, () => {
      this.#cancelPause = undefined;
      this.#start();
    });
  }

  async #post(events: readonly WireEvent[]): Promise<"delivered" | "refused" | "failed"> {
    const { url, headers, timeoutMs } = this.settings;
    const timeout = new AbortController();
    const cancel = this.#parts.clock.after(timeoutMs, () =>
      timeout.abort(new Error(`no answer within ${timeoutMs} ms`)),
    );
    try {
      const response = await this.#parts.fetch(url, {
        method: "POST",
        headers: { "Content-Type": EVENTS_MEDIA_TYPE, ...headers },
        body: JSON.stringify({ events }),
        signal: AbortSignal.any([timeout.signal, this.#closing.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return "delivered";
      return this.#complain(`status ${response.status}`, REFUSALS.has(response.status) ? "refused" : "failed");
    } catch (error) {
      return this.#complain(messageOf(error), "failed");
    } finally {
      cancel();
    }
  }

  #complain<T>(reason: string, outcome: T): T {
    this.#failed += 1;
    this.#failures += 1;
    // One line a series of failures.
    if (this.#failures === 1) this.#warn(`notification failed: ${reason}`);
    return outcome;
  }

  #warn(message: string): void {
    this.#parts.log.warn(message, { endpoint: this.settings.name });
  }
}

async function readSaved({ savePath, log }: EndpointParts): Promise<WireEvent[]> {
  try {
    const saved = JSON.parse(await readFile(savePath, "utf8")) as unknown;
    await rm(savePath, { force: true });
    return Array.isArray(saved) ? (saved as WireEvent[]).slice(-MOST_WAITING) : [];
  } catch (error) {
    if (!isAbsent(error)) log.warn("events of an earlier run cannot be read", { error: messageOf(error) });
    return [];
  }
}
