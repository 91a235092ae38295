import { createHash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readSync } from "node:fs";
import { nextTurn } from "#lib/async";
import { EngineError } from "#lib/errors";
import { type ByteString, buildAtomic, fileError } from "#lib/fs";
import type { CopiedPiece } from "./_chunks.ts";
import { crc32c } from "./_crc32c.ts";
import { writeDirents } from "./_dirents.ts";
import * as format from "./_format.ts";
import { chunkBlocks, INODES_PER_TURN, type Layout, layOut, type Placed } from "./_layout.ts";
import { SequentialFile } from "./_sequential-file.ts";
import type { DataFile, DirectoryInode, Inode } from "./inode.ts";

const { BLOCK, MODES, NULL_BLOCK } = format;

/**
 * Writes an EROFS image that holds the tree's metadata and points into the data files for its content. Mounted, it
 * is given the data files as devices in the same order. The same tree always makes the same image.
 * The file is there whole or not at all.
 *
 * @throws EngineError `invalid-parameter` when the tree goes beyond the format: over 2 TiB, too large xattrs;
 *   `unavailable` when the disk is full
 */
export async function writeErofs(path: string, root: DirectoryInode, dataFiles: readonly DataFile[]): Promise<void> {
  const layout = await layOut(root, dataFiles);
  try {
    await buildAtomic(path, (file) => new ImageWriter(file.fd, layout, dataFiles).write());
  } catch (error) {
    throw fileError(`write image "${path}"`, error);
  }
}

class ImageWriter {
  readonly #fd: number;
  readonly #file: SequentialFile;
  readonly #layout: Layout;
  readonly #dataFiles: readonly DataFile[];
  readonly #metadataBlock: number;
  readonly #dataBlock: number;
  readonly #blocks: number;

  constructor(fd: number, layout: Layout, dataFiles: readonly DataFile[]) {
    this.#fd = fd;
    this.#file = new SequentialFile(fd);
    this.#layout = layout;
    this.#dataFiles = dataFiles;
    const headSize = format.SUPERBLOCK_OFFSET + format.SUPERBLOCK_SIZE + dataFiles.length * format.DEVICE_SLOT_SIZE;
    this.#metadataBlock = Math.ceil(headSize / BLOCK);
    this.#dataBlock = this.#metadataBlock + Math.ceil(layout.metadataSize / BLOCK);
    this.#blocks = this.#dataBlock + layout.dataBlocks;
    for (const blocks of [this.#blocks, ...dataFiles.map(({ sizeBytes }) => Math.ceil(sizeBytes / BLOCK))])
      if (blocks >= NULL_BLOCK) throw new EngineError("invalid-parameter", "index file tree: more than 2 TiB of data");
  }

  async write(): Promise<void> {
    this.#writeHead();
    await this.#eachPlaced((placed) => this.#writeInode(placed));
    await this.#eachPlaced((placed) => this.#writeData(placed));
    this.#file.flush();
    ftruncateSync(this.#fd, this.#blocks * BLOCK);
  }

  async #eachPlaced(write: (placed: Placed) => void): Promise<void> {
    let turn = 0;
    for (const placed of this.#layout.placed) {
      write(placed);
      if (++turn % INODES_PER_TURN === 0) await nextTurn();
    }
  }

  #writeHead(): void {
    const head = this.#file.reserve(0, this.#metadataBlock * BLOCK);
    const sb = head.subarray(format.SUPERBLOCK_OFFSET);
    const { epoch, placed, places } = this.#layout;
    sb.writeUInt32LE(format.MAGIC, 0);
    sb.writeUInt32LE(format.FEATURE_COMPAT_CHECKSUM | format.FEATURE_COMPAT_MTIME, 8);
    sb.writeUInt8(format.BLOCK_BITS, 12);
    sb.writeUInt16LE(this.#nid(placed[0]!.inode), 14);
    sb.writeBigUInt64LE(BigInt(places.size), 16);
    sb.writeBigInt64LE(BigInt(epoch.seconds), 24);
    sb.writeUInt32LE(epoch.nanoseconds, 32);
    sb.writeUInt32LE(this.#blocks, 36);
    sb.writeUInt32LE(this.#metadataBlock, 40);
    sb.set(this.#uuid(), 48);
    sb.writeUInt32LE(format.FEATURE_INCOMPAT_CHUNKED_FILE | format.FEATURE_INCOMPAT_DEVICE_TABLE, 80);
    sb.writeUInt16LE(this.#dataFiles.length, 86);
    sb.writeUInt16LE((format.SUPERBLOCK_OFFSET + format.SUPERBLOCK_SIZE) / format.DEVICE_SLOT_SIZE, 88);
    this.#dataFiles.forEach(({ tag, sizeBytes }, i) => {
      const slot = sb.subarray(format.SUPERBLOCK_SIZE + i * format.DEVICE_SLOT_SIZE);
      slot.write(tag, 0, 64, "latin1");
      slot.writeUInt32LE(Math.ceil(sizeBytes / BLOCK), 64);
    });
    sb.writeUInt32LE(crc32c(sb.subarray(0, BLOCK)), 4);
  }

  /** Derived from the data files, so that the same layers make the same image. */
  #uuid(): Buffer {
    const hash = createHash("sha256");
    for (const { tag } of this.#dataFiles) hash.update(`${tag}\n`);
    return hash.digest().subarray(0, 16);
  }

  #nid(inode: Inode): number {
    return this.#layout.places.get(inode)!.offset / format.SLOT;
  }

  #writeInode(placed: Placed): void {
    const { offset, extended, xattrs, inlineSize, chunks } = placed;
    const headSize = (extended ? format.EXTENDED_SIZE : format.COMPACT_SIZE) + (xattrs?.byteLength ?? 0);
    const indexAt = chunks === undefined ? headSize : format.alignUp(headSize, format.CHUNK_INDEX_SIZE);
    const indexSize = (chunks?.count ?? 0) * format.CHUNK_INDEX_SIZE;
    const bytes = this.#file.reserve(this.#metadataBlock * BLOCK + offset, indexAt + indexSize + inlineSize);
    this.#writeAttributes(bytes, placed);
    if (xattrs !== undefined) bytes.set(xattrs, headSize - xattrs.byteLength);
    if (chunks !== undefined) this.#writeChunkIndexes(bytes.subarray(indexAt), placed);
    if (inlineSize > 0) this.#writeFlat(bytes.subarray(headSize), placed, placed.dataBlocks);
  }

  #writeAttributes(bytes: Buffer, placed: Placed): void {
    const { inode, extended, xattrs, links, size, layout } = placed;
    bytes.writeUInt16LE((layout << 1) | (extended ? format.FORMAT_EXTENDED : 0), 0);
    bytes.writeUInt16LE(xattrs === undefined ? 0 : (xattrs.byteLength - format.XATTR_HEADER_SIZE) / 4 + 1, 2);
    bytes.writeUInt16LE(MODES[inode.type].mode | inode.mode, 4);
    bytes.writeUInt32LE(this.#location(placed), 16);
    bytes.writeUInt32LE(placed.offset / format.SLOT + 1, 20);
    if (!extended) {
      bytes.writeUInt16LE(links, 6);
      bytes.writeUInt32LE(size, 8);
      bytes.writeUInt16LE(inode.uid, 24);
      bytes.writeUInt16LE(inode.gid, 26);
      return;
    }
    bytes.writeBigUInt64LE(BigInt(size), 8);
    bytes.writeUInt32LE(inode.uid, 24);
    bytes.writeUInt32LE(inode.gid, 28);
    bytes.writeBigInt64LE(BigInt(inode.seconds), 32);
    bytes.writeUInt32LE(inode.nanoseconds, 40);
    bytes.writeUInt32LE(links, 44);
  }

  /** The `i_u` field: device number, chunk format, or first block. */
  #location(placed: Placed): number {
    const { inode, chunks, dataBlock, dataBlocks } = placed;
    if (inode.type === "character" || inode.type === "block") return format.encodeDevice(inode.major, inode.minor);
    if (chunks !== undefined) return (chunks.bits - format.BLOCK_BITS) | format.CHUNK_INDEXES;
    return dataBlocks === 0 ? NULL_BLOCK : this.#dataBlock + dataBlock;
  }

  #writeChunkIndexes(bytes: Buffer, placed: Placed): void {
    const { inode, chunks, dataBlock, size } = placed;
    if (inode.type !== "file" || chunks === undefined) return;
    let at = 0;
    let start = 0;
    let copyBlock = this.#dataBlock + dataBlock;
    for (const chunk of chunks.chunks()) {
      const device = chunk.kind === "mapped" ? inode.data.source + 1 : 0;
      const block = chunk.kind === "mapped" ? chunk.offset / BLOCK : chunk.kind === "copied" ? copyBlock : NULL_BLOCK;
      if (chunk.kind === "copied") copyBlock += chunkBlocks(chunks, { fileSize: size, start });
      bytes.writeUInt16LE(device, at + 2);
      bytes.writeUInt32LE(block, at + 4);
      at += format.CHUNK_INDEX_SIZE;
      start += 2 ** chunks.bits;
    }
  }

  #writeData(placed: Placed): void {
    const at = (this.#dataBlock + placed.dataBlock) * BLOCK;
    if (placed.chunks !== undefined) {
      if (placed.dataBlocks > 0) this.#copyChunks(placed, at);
      return;
    }
    for (let i = 0; i < placed.dataBlocks; i++) this.#writeFlat(this.#file.reserve(at + i * BLOCK, BLOCK), placed, i);
  }

  /** One block of a directory or symlink, wherever it goes. */
  #writeFlat(bytes: Buffer, { inode, directory }: Placed, block: number): void {
    if (inode.type === "symlink") bytes.write(inode.target.slice(block * BLOCK, (block + 1) * BLOCK), "latin1");
    if (inode.type !== "directory" || directory === undefined) return;
    const names = directory.names.slice(directory.starts[block], directory.starts[block + 1]);
    const target = (name: ByteString): Inode =>
      name === "." ? inode : name === ".." ? directory.parent : inode.children.get(name)!;
    writeDirents(
      bytes,
      names.map((name) => ({ name, nid: this.#nid(target(name)), type: MODES[target(name).type].dirent })),
    );
  }

  #copyChunks(placed: Placed, dataOffset: number): void {
    const { inode, chunks, size } = placed;
    if (inode.type !== "file" || chunks === undefined) return;
    const fd = openSync(this.#dataFiles[inode.data.source]!.path, "r");
    try {
      let at = dataOffset;
      let start = 0;
      for (const chunk of chunks.chunks()) {
        if (chunk.kind === "copied") {
          for (const piece of chunk.pieces) this.#copy(fd, { ...piece, to: at + piece.to });
          at += chunkBlocks(chunks, { fileSize: size, start }) * BLOCK;
        }
        start += 2 ** chunks.bits;
      }
    } finally {
      closeSync(fd);
    }
  }

  #copy(fd: number, piece: CopiedPiece): void {
    const { from, to, size } = piece;
    for (let done = 0; done < size; ) {
      const bytes = this.#file.reserve(to + done, Math.min(size - done, SequentialFile.MAX_RESERVE));
      for (let filled = 0; filled < bytes.byteLength; ) {
        const read = readSync(fd, bytes, filled, bytes.byteLength - filled, from + done + filled);
        if (read === 0) throw new EngineError("invalid-parameter", "index file tree: a data file is cut off");
        filled += read;
      }
      done += bytes.byteLength;
    }
  }
}
