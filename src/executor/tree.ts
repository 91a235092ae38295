import type { ByteString } from "#lib/fs";

/** One entry of a tree that `walk` sends. */
export interface TreeEntry {
  /** Relative to where the walk began; empty for that itself. */
  readonly path: ByteString;
  /** S_IFMT and permission bits; 0 when only the tree below has it. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly size: number;
  /** Modification time. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** Names the object among those with several names; empty for one with a single name. */
  readonly identity: string;
  /** What a symlink holds. */
  readonly linkTo: ByteString;
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** What the tree below has at the same place. */
  readonly below: "absent" | "different" | "same";
  /** A directory through which nothing of the tree below shows. */
  readonly opaque: boolean;
  /** Of a regular file when the walk was told to send it, exactly `size` bytes; what is not read is skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

const BELOW = ["absent", "different", "same"] as const;

/** Takes apart what `walk` sends. */
export class TreeReader {
  readonly #input: Input;
  readonly #hasContent: boolean;
  #body: AsyncIterable<Uint8Array> | undefined;

  constructor(chunks: AsyncIterable<Uint8Array>, options: { content: boolean }) {
    this.#input = new Input(chunks[Symbol.asyncIterator]());
    this.#hasContent = options.content;
  }

  /** The next entry, undefined after the last; at once where it is here already. @throws RangeError when the stream was cut off */
  next(): TreeEntry | undefined | Promise<TreeEntry | undefined> {
    const size = this.#body === undefined ? this.#input.recordSize() : undefined;
    return size !== undefined && this.#input.has(4 + size) ? this.#take() : this.#wait();
  }

  async #wait(): Promise<TreeEntry | undefined> {
    if (this.#body) for await (const _ of this.#body);
    this.#body = undefined;
    await this.#input.need(4);
    await this.#input.need(4 + (this.#input.recordSize() ?? 0));
    return this.#take();
  }

  #take(): TreeEntry | undefined {
    const fields = this.#input.record();
    if (fields === undefined) return undefined;
    const entry = readEntry(fields);
    if (!this.#hasContent || !isRegular(entry.mode)) return entry;
    this.#body = this.#input.body(entry.size);
    return { ...entry, content: this.#body };
  }
}

function isRegular(mode: number): boolean {
  return (mode & 0o170000) === 0o100000;
}

/** The fields in the order of put_entry in walk.c. */
function readEntry(fields: Fields): TreeEntry {
  return {
    path: fields.name(),
    mode: fields.num(),
    uid: fields.num(),
    gid: fields.num(),
    deviceMajor: fields.num(),
    deviceMinor: fields.num(),
    size: fields.big(),
    seconds: fields.big(),
    nanoseconds: fields.num(),
    identity: fields.identity(),
    linkTo: fields.name(),
    xattrs: fields.xattrs(),
    below: BELOW[fields.num()] ?? "absent",
    opaque: fields.flag(),
    content: NOTHING,
  };
}

const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();

const NOTHING: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

/** A walk has very many of these records: their fields are read where they lie, as numbers. */
class Fields {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  num(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  /** Signed; what is beyond 53 bits loses its last digits. */
  big(): number {
    this.#at += 8;
    return this.#bytes.readInt32LE(this.#at - 4) * 2 ** 32 + this.#bytes.readUInt32LE(this.#at - 8);
  }

  flag(): boolean {
    return this.#bytes[this.#at++] !== 0;
  }

  name(): ByteString {
    const size = this.num();
    this.#at += size + 1;
    return this.#bytes.toString("latin1", this.#at - size - 1, this.#at - 1) as ByteString;
  }

  /** Device and inode; both 0 where there is one name only. */
  identity(): string {
    const at = this.#at;
    this.#at += 16;
    const isSingle = this.#bytes.readUInt32LE(at + 8) === 0 && this.#bytes.readUInt32LE(at + 12) === 0;
    return isSingle ? "" : this.#bytes.toString("latin1", at, at + 16);
  }

  xattrs(): ReadonlyMap<ByteString, Uint8Array> {
    const size = this.num();
    if (size === 0) return NO_XATTRS;
    const end = this.#at + size;
    const xattrs = new Map<ByteString, Uint8Array>();
    while (this.#at < end) xattrs.set(this.name(), this.#value());
    return xattrs;
  }

  #value(): Uint8Array {
    const size = this.num();
    this.#at += size;
    return Uint8Array.prototype.slice.call(this.#bytes, this.#at - size, this.#at);
  }
}

/** A stream whose bytes are asked for by number. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks;
  }

  has(size: number): boolean {
    return this.#bytes.length - this.#at >= size;
  }

  /** Of the record that comes next, its length not counted; undefined where that is not here yet. */
  recordSize(): number | undefined {
    return this.has(4) ? this.#bytes.readUInt32LE(this.#at) : undefined;
  }

  /** The next record, which has to be here; undefined for an empty one. */
  record(): Fields | undefined {
    const size = this.recordSize() ?? 0;
    const fields = size === 0 ? undefined : new Fields(this.#bytes, this.#at + 4);
    this.#at += 4 + size;
    return fields;
  }

  /** Waits until so many bytes are here. */
  async need(size: number): Promise<void> {
    if (this.has(size)) return;
    const pieces: Uint8Array[] = [this.#bytes.subarray(this.#at)];
    let have = pieces[0]!.length;
    while (have < size) {
      const next = await this.#next();
      pieces.push(next);
      have += next.length;
    }
    this.#bytes = Buffer.concat(pieces);
    this.#at = 0;
  }

  /** The next `size` bytes. Iterating again goes on where it stopped. */
  body(size: number): AsyncIterable<Uint8Array> {
    let left = size;
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (left === 0) return { done: true, value: undefined };
      if (!this.has(1)) {
        this.#bytes = await this.#next();
        this.#at = 0;
      }
      const piece = this.#bytes.subarray(this.#at, this.#at + left);
      this.#at += piece.length;
      left -= piece.length;
      return { done: false, value: piece };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async #next(): Promise<Buffer> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new RangeError("the tree was cut off");
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}
