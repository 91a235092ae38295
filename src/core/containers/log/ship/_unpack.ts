/** Reads MessagePack, for tests. */
export function unpackAll(bytes: Buffer): unknown[] {
  const reader = new Unpacker(bytes);
  const values: unknown[] = [];
  while (reader.at < bytes.length) {
    try {
      values.push(reader.value());
    } catch (error) {
      // The rest has not come yet.
      if (error instanceof RangeError) break;
      throw error;
    }
  }
  return values;
}

class Unpacker {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(): unknown {
    const head = this.#number(1);
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 15);
    if (head < 0xa0) return this.#list(head & 15);
    if (head < 0xc0) return this.#text(head & 31);
    switch (head) {
      case 0xce:
        return this.#number(4);
      case 0xd7:
        return { type: this.#number(1), seconds: this.#number(4), nanoseconds: this.#number(4) };
      case 0xd9:
        return this.#text(this.#number(1));
      case 0xda:
        return this.#text(this.#number(2));
      case 0xde:
        return this.#map(this.#number(2));
      default:
        throw new Error(`MessagePack has no such head here: ${head.toString(16)}`);
    }
  }

  #number(size: number): number {
    const value = this.#bytes.readUIntBE(this.at, size);
    this.at += size;
    return value;
  }

  #text(size: number): string {
    if (this.at + size > this.#bytes.length) throw new RangeError("unfinished");
    this.at += size;
    return this.#bytes.toString("utf8", this.at - size, this.at);
  }

  #list(size: number): unknown[] {
    return Array.from({ length: size }, () => this.value());
  }

  #map(size: number): Record<string, unknown> {
    return Object.fromEntries(Array.from({ length: size }, () => [this.value(), this.value()]));
  }
}
