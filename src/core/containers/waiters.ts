import type { ContainerID } from "./container.ts";
import type { WaitOutcome } from "./containers.ts";

type Moment = "exit" | "removal";

/** Those who wait for the end of a run, or for a container to be gone. */
export class Waiters {
  readonly #waiting: Record<Moment, Map<ContainerID, Set<(outcome: WaitOutcome) => void>>> = {
    exit: new Map(),
    removal: new Map(),
  };

  /** Resolves at the next such moment; never, when `signal` is aborted first. */
  next(moment: Moment, id: ContainerID, signal?: AbortSignal): Promise<WaitOutcome> {
    const all = this.#waiting[moment];
    const mine = all.get(id) ?? new Set();
    all.set(id, mine);
    return new Promise((resolve) => {
      mine.add(resolve);
      signal?.addEventListener(
        "abort",
        () => {
          mine.delete(resolve);
          if (mine.size === 0 && all.get(id) === mine) all.delete(id);
        },
        { once: true },
      );
    });
  }

  wake(moment: Moment, id: ContainerID, outcome: WaitOutcome): void {
    const mine = this.#waiting[moment].get(id);
    this.#waiting[moment].delete(id);
    for (const resolve of mine ?? []) resolve(outcome);
  }
}
