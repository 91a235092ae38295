import type { Duplex } from "node:stream";
import type { AttachOptions } from "#executor";
import type { ContainerID } from "./container.ts";
import { LateStream } from "./late-stream.ts";

export interface PendingAttach {
  readonly options: AttachOptions;
  readonly stream: LateStream;
}

/** Clients that attached before the start of their container. The next start takes them along from its first byte. */
export class PendingAttaches {
  readonly #waiting = new Map<ContainerID, Set<PendingAttach>>();

  add(id: ContainerID, options: AttachOptions): Duplex {
    const stream = new LateStream();
    const entry = { options, stream };
    const waiting = this.#waiting.get(id) ?? new Set();
    waiting.add(entry);
    this.#waiting.set(id, waiting);
    stream.once("close", () => {
      waiting.delete(entry);
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
    });
    return stream;
  }

  /** Hands them over, to be connected or abandoned. */
  take(id: ContainerID): PendingAttach[] {
    const waiting = [...(this.#waiting.get(id) ?? [])];
    this.#waiting.delete(id);
    return waiting;
  }
}
