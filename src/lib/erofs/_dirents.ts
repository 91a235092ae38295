import type { ByteString } from "#lib/fs";
import { BLOCK, DIRENT_SIZE } from "./_format.ts";

export interface Dirent {
  readonly name: ByteString;
  readonly nid: number;
  readonly type: number;
}

/**
 * How the names of a directory, sorted by their bytes, fill its blocks: each holds its entries, then their names.
 *
 * @returns the index of the first name in each block, and the bytes used of the last one
 */
export function splitDirents(names: readonly ByteString[]): { starts: number[]; tailSize: number } {
  const starts = [0];
  let used = 0;
  names.forEach((name, i) => {
    const size = DIRENT_SIZE + name.length;
    if (used + size > BLOCK) {
      starts.push(i);
      used = 0;
    }
    used += size;
  });
  return { starts, tailSize: used };
}

/** Writes one block of a directory. A name ends where the next begins, the last one at a NUL or the block's end. */
export function writeDirents(block: Buffer, entries: readonly Dirent[]): void {
  let nameAt = entries.length * DIRENT_SIZE;
  entries.forEach(({ name, nid, type }, i) => {
    const at = i * DIRENT_SIZE;
    block.writeUInt32LE(nid % 2 ** 32, at);
    block.writeUInt32LE(Math.floor(nid / 2 ** 32), at + 4);
    block.writeUInt16LE(nameAt, at + 8);
    block.writeUInt8(type, at + 10);
    nameAt += block.write(name, nameAt, "latin1");
  });
}

/** Reads one block of a directory; `block` is cut to the directory's size. @returns undefined when it is corrupt */
export function readDirents(block: Buffer): Dirent[] | undefined {
  if (block.byteLength < DIRENT_SIZE) return undefined;
  const firstName = block.readUInt16LE(8);
  const count = firstName / DIRENT_SIZE;
  if (!Number.isInteger(count) || count < 1 || firstName > block.byteLength) return undefined;
  const entries: Dirent[] = [];
  for (let i = 0; i < count; i++) {
    const at = i * DIRENT_SIZE;
    const start = block.readUInt16LE(at + 8);
    const end = i + 1 < count ? block.readUInt16LE(at + DIRENT_SIZE + 8) : block.byteLength;
    if (start > end || end > block.byteLength) return undefined;
    const name = block.toString("latin1", start, end).replace(/\0.*$/s, "") as ByteString;
    const nid = block.readUInt32LE(at) + block.readUInt32LE(at + 4) * 2 ** 32;
    entries.push({ name, nid, type: block.readUInt8(at + 10) });
  }
  return entries;
}
