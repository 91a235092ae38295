import type { Filters } from "./filters.ts";

/** A thing that happened, in the words of the Engine API (engine-api notes 5.4). */
export interface Event {
  readonly type: "container" | "image" | "volume" | "network" | "daemon" | "plugin" | "builder";
  /** `start`, `exec_create: ls` … */
  readonly action: string;
  readonly actorID: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970. */
  readonly timeNano: bigint;
}

/** The engine's events: durable history (bounded, oldest dropped) and live followers. */
export interface Events {
  emit(event: Omit<Event, "timeNano">): void;
  /**
   * History since `sinceNano` (undefined: none), then what comes until `untilNano` (undefined: for ever; in the past: history only) or the signal.
   * A follower that does not read is dropped with an error once 10,000 events wait for it.
   */
  subscribe(options: {
    sinceNano?: bigint;
    untilNano?: bigint;
    filters: Filters;
    signal?: AbortSignal;
  }): AsyncIterable<Event>;
}
