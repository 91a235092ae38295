import { TAR_BLOCK, type TarEntry } from "./entry.ts";
import { malformedTar } from "./errors.ts";
import { parseTar } from "./parse.ts";

export interface TarMember {
  readonly entry: TarEntry;
  /** The stored data; read it before the next member is asked for, or leave it, and it is skipped. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Reads an archive from a stream, member by member. When the archive has ended the stream is read on to its end,
 * so that whoever hashes it has seen everything.
 *
 * @throws EngineError `invalid-parameter` for a malformed or cut-off archive
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  await using input = new ByteInput(source);
  const parser = parseTar();
  for (let step = parser.next(); !step.done; ) {
    if (step.value.need !== undefined) {
      step = parser.next(await input.take(step.value.need));
      continue;
    }
    const { entry, paddedSize } = step.value;
    const body = input.body(entry.storedSize);
    yield { entry, body };
    for await (const _ of body);
    await input.take(paddedSize - entry.storedSize);
    step = parser.next();
  }
  await input.drain();
}

/** The bytes of a stream, asked for by number. */
class ByteInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #offset = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Exactly `size` bytes, or all that are left. */
  async take(size: number): Promise<Uint8Array> {
    const first = await this.#next(size);
    if (first.byteLength === size) return first;
    const pieces = [first];
    let have = first.byteLength;
    while (have < size) {
      const piece = await this.#next(size - have);
      if (piece.byteLength === 0) break;
      pieces.push(piece);
      have += piece.byteLength;
    }
    return Buffer.concat(pieces);
  }

  /** An iterable over the next `size` bytes. Iterating it again goes on where it stopped. */
  body(size: number): AsyncIterable<Uint8Array> {
    let left = size;
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (left === 0) return { done: true, value: undefined };
      const piece = await this.#next(left);
      if (piece.byteLength === 0) throw malformedTar("unexpected end", this.#offset);
      left -= piece.byteLength;
      return { done: false, value: piece };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async drain(): Promise<void> {
    while ((await this.#next(TAR_BLOCK * 128)).byteLength > 0);
  }

  /** One to `limit` bytes; none at the end. */
  async #next(limit: number): Promise<Uint8Array> {
    if (limit === 0) return new Uint8Array(0);
    while (this.#chunk.byteLength === 0) {
      const next = await this.#chunks.next();
      if (next.done) return new Uint8Array(0);
      this.#chunk = next.value;
    }
    const piece = this.#chunk.subarray(0, limit);
    this.#chunk = this.#chunk.subarray(piece.byteLength);
    this.#offset += piece.byteLength;
    return piece;
  }

  /** Lets the source go, also when the consumer stopped early. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }
}
