import type { AttachOptions } from "#executor";
import type { ClientStream } from "./client-stream.ts";
import type { ContainerID } from "./container.ts";

export interface PendingAttach {
  readonly options: AttachOptions;
  readonly stream: ClientStream;
}

/** Clients that attached before the start of their container. The next start takes them along from its first byte. */
export class PendingAttaches {
  readonly #waiting = new Map<ContainerID, Set<PendingAttach>>();

  add(id: ContainerID, attach: PendingAttach): void {
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(attach));
    attach.stream.once("close", () => {
      waiting.delete(attach);
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
    });
  }

  /** Hands them over, to be connected or abandoned. */
  take(id: ContainerID): PendingAttach[] {
    const waiting = [...(this.#waiting.get(id) ?? [])];
    this.#waiting.delete(id);
    return waiting;
  }
}
