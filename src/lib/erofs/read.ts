import { closeSync, openSync, readSync } from "node:fs";
import { EngineError } from "#lib/errors";
import { type ByteString, fileError, type ResolvedPath, resolvePath } from "#lib/fs";
import { type Dirent, readDirents } from "./_dirents.ts";
import * as format from "./_format.ts";
import { decodeXattrs } from "./_xattrs.ts";
import type { Inode } from "./inode.ts";

const { BLOCK, MODES, NULL_BLOCK } = format;

/** Chunk indexes: a sparse file may have a million. */
const SLOTS_AT_ONCE = 512;
/** PATH_MAX. */
const SYMLINK_BYTES = 4096;

/** What the image says of one inode. */
export interface ErofsStat {
  readonly nid: number;
  readonly type: Inode["type"];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly major: number;
  readonly minor: number;
}

/** A piece of a file's content. */
export interface Extent {
  /** In the file. */
  readonly offset: number;
  readonly size: number;
  /** 0 for the image itself, N for its Nth data file. */
  readonly source: number;
  /** Where the piece starts there. */
  readonly at: number;
}

interface Node extends ErofsStat {
  readonly layout: number;
  /** The raw `i_u` field. */
  readonly location: number;
  /** Where in the image the xattrs start, and where the rest after them. */
  readonly xattrsAt: number;
  readonly bodyAt: number;
}

/** Names of the data files that an image points into, in order. */
export function readErofsTags(path: string): string[] {
  using image = openErofs(path, () => []);
  return [...image.tags];
}

/**
 * Opens an image that `writeErofs` made, to look into it without mounting it.
 *
 * @param dataPaths - where the data files are, given their tags
 * @throws EngineError `not-found`; `internal` for anything but such an image
 */
export function openErofs(path: string, dataPaths: (tags: readonly string[]) => readonly string[]): ErofsImage {
  return new ErofsImage(path, dataPaths);
}

export class ErofsImage implements Disposable {
  readonly tags: readonly string[];
  readonly #path: string;
  readonly #fd: number;
  readonly #metadataOffset: number;
  readonly #rootNid: number;
  readonly #epoch: { seconds: number; nanoseconds: number };
  readonly #dataPaths: readonly string[];
  readonly #dataFds = new Map<number, number>();

  constructor(path: string, dataPaths: (tags: readonly string[]) => readonly string[]) {
    this.#path = path;
    try {
      this.#fd = openSync(path, "r");
    } catch (error) {
      throw fileError(`open image "${path}"`, error);
    }
    try {
      const sb = this.#read(format.SUPERBLOCK_OFFSET, format.SUPERBLOCK_SIZE);
      if (sb.readUInt32LE(0) !== format.MAGIC || sb.readUInt8(12) !== format.BLOCK_BITS)
        throw this.#corrupt("superblock");
      this.#rootNid = sb.readUInt16LE(14);
      this.#epoch = { seconds: Number(sb.readBigInt64LE(24)), nanoseconds: sb.readUInt32LE(32) };
      this.#metadataOffset = sb.readUInt32LE(40) * BLOCK;
      const slots = this.#read(
        sb.readUInt16LE(88) * format.DEVICE_SLOT_SIZE,
        sb.readUInt16LE(86) * format.DEVICE_SLOT_SIZE,
      );
      this.tags = readTags(slots);
      this.#dataPaths = dataPaths(this.tags);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const fd of this.#dataFds.values()) closeSync(fd);
    this.#dataFds.clear();
    closeSync(this.#fd);
  }

  /**
   * Finds a path from the image's root. Symlinks are followed within that root, at the end too unless told otherwise.
   *
   * @throws EngineError `invalid-parameter` for too many symlinks
   */
  find(path: ByteString, options: { followLast?: boolean } = {}): ErofsStat | undefined {
    return this.resolve(path, options)?.node;
  }

  /** The same, telling the way. */
  resolve(path: ByteString, options: { followLast?: boolean } = {}): ResolvedPath<ErofsStat> | undefined {
    return resolvePath<ErofsStat>(
      {
        root: this.#node(this.#rootNid),
        typeOf: (node) => node.type,
        child: (directory, name) => this.#child(directory, name),
        readLink: (node) => this.readLink(node),
      },
      path,
      options,
    );
  }

  /** The names in a directory with what they lead to, sorted by bytes, without "." and "..". */
  *entries(directory: ErofsStat): Generator<{ name: ByteString; stat: ErofsStat }, void> {
    const node = this.#node(directory.nid);
    for (let block = 0; block * BLOCK < node.size; block++)
      for (const { name, nid } of this.#dirents(node, block))
        if (name !== "." && name !== "..") yield { name, stat: this.#node(nid) };
  }

  list(directory: ErofsStat): { name: ByteString; stat: ErofsStat }[] {
    return [...this.entries(directory)];
  }

  readLink(symlink: ErofsStat): ByteString {
    const node = this.#node(symlink.nid);
    if (node.size > SYMLINK_BYTES) throw this.#corrupt(`symlink ${node.nid}`);
    return this.#flat(node, 0, node.size).toString("latin1") as ByteString;
  }

  xattrs(stat: ErofsStat): ReadonlyMap<ByteString, Uint8Array> {
    const { xattrsAt, bodyAt, nid } = this.#node(stat.nid);
    const xattrs = decodeXattrs(this.#read(xattrsAt, bodyAt - xattrsAt));
    if (xattrs === undefined) throw this.#corrupt(`xattrs of ${nid}`);
    return xattrs;
  }

  /** Where the content of a regular file lies, ascending. What lies nowhere is zero. */
  *extents(file: ErofsStat): Generator<Extent, void> {
    const node = this.#node(file.nid);
    const bits = (node.location & format.CHUNK_BITS_MASK) + format.BLOCK_BITS;
    let last: Extent | undefined;
    for (const { index, source, block } of this.#chunks(node, bits)) {
      if (block === NULL_BLOCK) continue;
      const offset = index * 2 ** bits;
      const extent = { offset, size: Math.min(2 ** bits, node.size - offset), source, at: block * BLOCK };
      if (last !== undefined && continues(last, extent)) {
        last = { ...last, size: last.size + extent.size };
        continue;
      }
      if (last !== undefined) yield last;
      last = extent;
    }
    if (last !== undefined) yield last;
  }

  /** The file that the extents of a source lie in. */
  sourcePath(source: number): string {
    const path = source === 0 ? this.#path : this.#dataPaths[source - 1];
    if (path === undefined) throw this.#corrupt(`device ${source}`);
    return path;
  }

  /** The whole of a regular file; mind its size. @throws EngineError when a data file is not there or too short */
  read(file: ErofsStat): Uint8Array {
    const bytes = Buffer.alloc(file.size);
    for (const { offset, size, source, at } of this.extents(file))
      this.#fill(this.#device(source), bytes.subarray(offset, offset + size), at);
    return bytes;
  }

  /** Bytes of all regular files, each inode once. */
  totalSize(): number {
    const seen = new Set<number>();
    let total = 0;
    const directories: ErofsStat[] = [this.#node(this.#rootNid)];
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      for (const { stat } of this.entries(directory)) {
        if (stat.type === "directory") directories.push(stat);
        if (stat.type !== "file" || seen.has(stat.nid)) continue;
        if (stat.links > 1) seen.add(stat.nid);
        total += stat.size;
      }
    }
    return total;
  }

  #node(nid: number): Node {
    const at = this.#metadataOffset + nid * format.SLOT;
    const bytes = this.#read(at, format.EXTENDED_SIZE);
    const flags = bytes.readUInt16LE(0);
    const extended = (flags & format.FORMAT_EXTENDED) !== 0;
    const mode = bytes.readUInt16LE(4);
    const type = TYPES.get(mode & 0o170000);
    if (type === undefined) throw this.#corrupt(`inode ${nid}`);
    const location = bytes.readUInt32LE(16);
    const xattrCount = bytes.readUInt16LE(2);
    const xattrsAt = at + (extended ? format.EXTENDED_SIZE : format.COMPACT_SIZE);
    const device = type === "character" || type === "block" ? location : 0;
    return {
      nid,
      type,
      mode: mode & 0o7777,
      uid: extended ? bytes.readUInt32LE(24) : bytes.readUInt16LE(24),
      gid: extended ? bytes.readUInt32LE(28) : bytes.readUInt16LE(26),
      size: extended ? Number(bytes.readBigUInt64LE(8)) : bytes.readUInt32LE(8),
      links: extended ? bytes.readUInt32LE(44) : bytes.readUInt16LE(6),
      seconds: extended ? Number(bytes.readBigInt64LE(32)) : this.#epoch.seconds,
      nanoseconds: extended ? bytes.readUInt32LE(40) : this.#epoch.nanoseconds,
      ...format.decodeDevice(device),
      layout: flags >> 1,
      location,
      xattrsAt,
      bodyAt: xattrsAt + (xattrCount === 0 ? 0 : format.XATTR_HEADER_SIZE + 4 * (xattrCount - 1)),
    };
  }

  *#chunks(node: Node, bits: number): Generator<{ index: number; source: number; block: number }, void> {
    const slots = format.alignUp(node.bodyAt, format.CHUNK_INDEX_SIZE);
    const count = Math.ceil(node.size / 2 ** bits);
    for (let first = 0; first < count; first += SLOTS_AT_ONCE) {
      const read = Math.min(SLOTS_AT_ONCE, count - first);
      const bytes = this.#read(slots + first * format.CHUNK_INDEX_SIZE, read * format.CHUNK_INDEX_SIZE);
      for (let i = 0; i < read; i++) {
        const at = i * format.CHUNK_INDEX_SIZE;
        yield { index: first + i, source: bytes.readUInt16LE(at + 2), block: bytes.readUInt32LE(at + 4) };
      }
    }
  }

  #child(directory: ErofsStat, name: ByteString): ErofsStat | undefined {
    const nid = this.#lookUp(this.#node(directory.nid), name);
    return nid === undefined ? undefined : this.#node(nid);
  }

  /** Binary search for the block, then through its names. */
  #lookUp(directory: Node, name: ByteString): number | undefined {
    let low = 0;
    let high = Math.ceil(directory.size / BLOCK) - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const entries = this.#dirents(directory, middle);
      if (name < entries[0]!.name) high = middle - 1;
      else if (name > entries.at(-1)!.name) low = middle + 1;
      else return entries.find((entry) => entry.name === name)?.nid;
    }
    return undefined;
  }

  #dirents(directory: Node, block: number): Dirent[] {
    const at = block * BLOCK;
    const entries = readDirents(this.#flat(directory, at, Math.min(BLOCK, directory.size - at)));
    if (entries === undefined) throw this.#corrupt(`directory ${directory.nid}`);
    return entries;
  }

  /** Bytes of a directory or symlink; the tail may stand behind the inode. */
  #flat(node: Node, offset: number, size: number): Buffer {
    const inlineFrom = node.layout === format.LAYOUT_FLAT_INLINE ? Math.floor(node.size / BLOCK) * BLOCK : node.size;
    if (offset >= inlineFrom) return this.#read(node.bodyAt + offset - inlineFrom, size);
    const end = Math.min(offset + size, inlineFrom);
    const inBlocks = this.#read(node.location * BLOCK + offset, end - offset);
    return end === offset + size ? inBlocks : Buffer.concat([inBlocks, this.#flat(node, end, offset + size - end)]);
  }

  #device(id: number): number {
    if (id === 0) return this.#fd;
    const open = this.#dataFds.get(id);
    if (open !== undefined) return open;
    const path = this.sourcePath(id);
    try {
      const fd = openSync(path, "r");
      this.#dataFds.set(id, fd);
      return fd;
    } catch (error) {
      throw fileError(`open data file "${path}"`, error);
    }
  }

  #read(offset: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    this.#fill(this.#fd, bytes, offset);
    return bytes;
  }

  /** The end of a file reads as zeros, as the kernel has it. */
  #fill(fd: number, bytes: Buffer, offset: number): void {
    for (let filled = 0; filled < bytes.byteLength; ) {
      const read = readSync(fd, bytes, filled, bytes.byteLength - filled, offset + filled);
      if (read === 0) return;
      filled += read;
    }
  }

  #corrupt(what: string): EngineError {
    return new EngineError("internal", `read image "${this.#path}": corrupt ${what}`);
  }
}

const TYPES = new Map<number, Inode["type"]>(
  (Object.keys(MODES) as Inode["type"][]).map((type) => [MODES[type].mode, type]),
);

function readTags(slots: Buffer): string[] {
  const tags: string[] = [];
  for (let at = 0; at < slots.byteLength; at += format.DEVICE_SLOT_SIZE)
    tags.push(slots.toString("latin1", at, at + 64).replace(/\0+$/, ""));
  return tags;
}

function continues(before: Extent, next: Extent): boolean {
  const { offset, size, source, at } = before;
  return next.source === source && next.offset === offset + size && next.at === at + size;
}
