import { TAR_END, type TarHeader, tarHeader, tarPadding } from "./write.ts";

/** Small pieces leave together, in chunks of about this size. */
const CHUNK_BYTES = 128 * 1024;

/** Writes an archive piece by piece. Every call yields what there is to send by now; the chunks are not used again. */
export class TarPacker {
  #pending: Uint8Array[] = [];
  #size = 0;

  *header(header: TarHeader): Generator<Uint8Array, void> {
    yield* this.data(tarHeader(header));
  }

  /** Content of the member before. As much as its header says has to come, then `padding`. */
  *data(bytes: Uint8Array): Generator<Uint8Array, void> {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= CHUNK_BYTES) yield* this.#flush();
  }

  *padding(size: number): Generator<Uint8Array, void> {
    yield* this.data(tarPadding(size));
  }

  *end(): Generator<Uint8Array, void> {
    yield* this.data(TAR_END);
    yield* this.#flush();
  }

  *#flush(): Generator<Uint8Array, void> {
    const pending = this.#pending;
    this.#pending = [];
    this.#size = 0;
    if (pending.length > 0) yield pending.length === 1 ? pending[0]! : Buffer.concat(pending);
  }
}
