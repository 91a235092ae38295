import { type ByteString, byteStringFrom } from "#lib/fs";
import { Reader } from "./reader.ts";

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

/** Takes apart what `walk` sends, up to its end mark. @throws RangeError when the stream ends before */
export async function* readTree(chunks: AsyncIterable<Uint8Array>, content: boolean): AsyncGenerator<TreeEntry> {
  const input = new Input(chunks[Symbol.asyncIterator]());
  for (;;) {
    const size = new Reader(input.has(4) ? input.take(4) : await input.need(4)).num();
    if (size === 0) return;
    const record = input.has(size) ? input.take(size) : await input.need(size);
    const entry = readEntry(new Reader(record));
    if (!content || !isRegular(entry.mode)) yield { ...entry, content: NOTHING };
    else {
      const body = input.body(entry.size);
      yield { ...entry, content: body };
      for await (const _ of body);
    }
  }
}

function isRegular(mode: number): boolean {
  return (mode & 0o170000) === 0o100000;
}

/** The fields in the order of put_entry in walk.c. */
function readEntry(reader: Reader): Omit<TreeEntry, "content"> {
  const path = readName(reader);
  const [mode, uid, gid, deviceMajor, deviceMinor] = [
    reader.num(),
    reader.num(),
    reader.num(),
    reader.num(),
    reader.num(),
  ];
  const size = Number(reader.big());
  const seconds = Number(BigInt.asIntN(64, reader.big()));
  const nanoseconds = reader.num();
  const device = reader.big();
  const inode = reader.big();
  const linkTo = readName(reader);
  const xattrs = readXattrs(reader.bytes());
  const below = BELOW[reader.num()] ?? "absent";
  return {
    path,
    mode,
    uid,
    gid,
    deviceMajor,
    deviceMinor,
    size,
    seconds,
    nanoseconds,
    identity: inode === 0n ? "" : `${device}:${inode}`,
    linkTo,
    xattrs,
    below,
    opaque: reader.flag(),
  };
}

function readName(reader: Reader): ByteString {
  const name = byteStringFrom(reader.bytes());
  reader.byte();
  return name;
}

const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();

function readXattrs(bytes: Uint8Array): ReadonlyMap<ByteString, Uint8Array> {
  if (bytes.length === 0) return NO_XATTRS;
  const xattrs = new Map<ByteString, Uint8Array>();
  const reader = new Reader(bytes);
  // A name with its length takes five bytes at least.
  while (reader.rest().length > 4) xattrs.set(readName(reader), reader.bytes().slice());
  return xattrs;
}

const NOTHING: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

/** A stream whose bytes are asked for by number; at hand without waiting where they are here already. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks;
  }

  has(size: number): boolean {
    return this.#rest.length >= size;
  }

  take(size: number): Uint8Array {
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Waits for so many bytes. */
  async need(size: number): Promise<Uint8Array> {
    const pieces = [this.#rest];
    let have = this.#rest.length;
    while (have < size) {
      const next = await this.#next();
      pieces.push(next);
      have += next.length;
    }
    this.#rest = Buffer.concat(pieces);
    return this.take(size);
  }

  /** The next `size` bytes. Iterating again goes on where it stopped. */
  body(size: number): AsyncIterable<Uint8Array> {
    let left = size;
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (left === 0) return { done: true, value: undefined };
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const piece = this.take(left);
      left -= piece.length;
      return { done: false, value: piece };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async #next(): Promise<Uint8Array> {
    const next = await this.#chunks.next();
    if (next.done) throw new RangeError("the tree was cut off");
    return next.value;
  }
}
