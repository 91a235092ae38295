import { EngineError } from "#lib/errors";
import type { Event } from "./event.ts";

/** So much may wait for one follower; a stuck client must not take the daemon's memory. */
export const FOLLOWER_LIMIT = 10_000;

/** A bounded queue between those who emit and one who reads at leisure. */
export class Follower {
  readonly #matches: (event: Event) => boolean;
  #waiting: Event[] = [];
  #end: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(matches: (event: Event) => boolean) {
    this.#matches = matches;
  }

  offer(event: Event): void {
    if (this.#end || !this.#matches(event)) return;
    if (this.#waiting.length >= FOLLOWER_LIMIT) {
      this.close(new EngineError("unavailable", `follow events: the reader is ${FOLLOWER_LIMIT} events behind`));
      return;
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** No more comes. What waits is still read, unless there is an error: that comes at once. */
  close(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    if (error !== undefined) this.#waiting = [];
    this.#wake?.();
  }

  async *read(): AsyncGenerator<Event> {
    for (;;) {
      const batch = this.#waiting;
      this.#waiting = [];
      yield* batch;
      if (this.#waiting.length > 0) continue;
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
    }
  }
}
