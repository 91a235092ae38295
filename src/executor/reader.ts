/** Takes apart what the executor answers: the counterpart of `Writer`. Whatever does not fit is a RangeError. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#view.getUint8(this.#at++);
  }

  num(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  signed(): number {
    return this.num() | 0;
  }

  big(): bigint {
    this.#at += 8;
    return this.#view.getBigUint64(this.#at - 8, true);
  }

  flag(): boolean {
    return this.byte() !== 0;
  }

  bytes(): Uint8Array {
    const size = this.num();
    if (size > this.#bytes.length - this.#at) throw new RangeError("truncated record");
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  text(): string {
    const text = Buffer.from(this.bytes()).toString();
    this.byte();
    return text;
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }
}

/** Cuts a stream of chunks into the records `{num length, content}` that it consists of. */
export class RecordSplitter {
  #pending: Uint8Array = new Uint8Array(0);

  push(chunk: Uint8Array): Uint8Array[] {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const records: Uint8Array[] = [];
    while (rest.length >= 4) {
      const end = 4 + new DataView(rest.buffer, rest.byteOffset).getUint32(0, true);
      if (rest.length < end) break;
      records.push(rest.slice(4, end));
      rest = rest.subarray(end);
    }
    this.#pending = rest.slice();
    return records;
  }
}
