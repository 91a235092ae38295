import { EngineError } from "#lib/errors";

/**
 * The encoding that the executor's cursor reads (executor/src/base.h), little-endian: num is a u32, big a u64, flag a
 * byte; bytes are a num and the content; text is the same and a NUL that the length does not count.
 */
export class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;

  /** Makes room and says where; the view may be another one afterwards. */
  #reserve(size: number): number {
    const at = this.#size;
    this.#size += size;
    if (this.#size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#size, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  byte(value: number): void {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }

  /** Takes negative numbers too: -1 is all bits set. */
  num(value: number): void {
    if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32)
      throw new RangeError(`no 32-bit number: ${value}`);
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  big(value: bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  flag(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  bytes(value: Uint8Array): void {
    this.num(value.length);
    this.raw(value);
  }

  /** Content without its length. */
  raw(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** @throws `invalid-parameter` for a NUL within, which users and images may send: it would end the text there for the kernel */
  text(value: string): void {
    this.textFrom(Buffer.from(value));
  }

  /** The same of bytes that need not be UTF-8: names of files. */
  textFrom(value: Uint8Array): void {
    if (value.includes(0)) {
      const shown = JSON.stringify(Buffer.from(value).toString());
      throw new EngineError("invalid-parameter", `text with a NUL: ${shown}`);
    }
    this.bytes(value);
    this.byte(0);
  }

  list<T>(values: readonly T[], put: (value: T) => void): void {
    this.num(values.length);
    for (const value of values) put(value);
  }

  /** What `put` writes, with its length in front. */
  record(put: () => void): void {
    const start = this.#reserve(4) + 4;
    put();
    this.#view.setUint32(start - 4, this.#size - start, true);
  }

  /** A view of what was written; the writer is not used any more. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }
}
