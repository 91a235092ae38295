/** The first pass: gives every inode its place, before anything is written. */
import { nextTurn } from "#lib/async";
import { EngineError } from "#lib/errors";
import type { ByteString } from "#lib/fs";
import { type ChunkPlan, planChunks } from "./_chunks.ts";
import { splitDirents } from "./_dirents.ts";
import {
  alignUp,
  BLOCK,
  CHUNK_INDEX_SIZE,
  COMPACT_SIZE,
  EXTENDED_SIZE,
  LAYOUT_CHUNK_BASED,
  LAYOUT_FLAT_INLINE,
  LAYOUT_FLAT_PLAIN,
  SLOT,
} from "./_format.ts";
import { encodeXattrs } from "./_xattrs.ts";
import type { DataFile, DirectoryInode, Inode } from "./inode.ts";

/** An inode and where it goes. */
export interface Placed {
  readonly inode: Inode;
  /** Byte offset in the metadata area; the nid is this in slots. */
  readonly offset: number;
  readonly extended: boolean;
  readonly xattrs: Buffer | undefined;
  readonly links: number;
  readonly size: number;
  readonly layout: number;
  /** First block in the data area, counted from its start, and how many blocks. */
  readonly dataBlock: number;
  readonly dataBlocks: number;
  /** Bytes of the data that stand behind the inode. */
  readonly inlineSize: number;
  readonly directory?: PlacedDirectory;
  readonly chunks?: ChunkPlan;
}

export interface PlacedDirectory {
  /** Of "..". */
  readonly parent: Inode;
  /** Sorted by bytes, "." and ".." among them. */
  readonly names: readonly ByteString[];
  /** Index of the first name in each block. */
  readonly starts: readonly number[];
}

export interface Layout {
  /** In the order of their offsets; the root is the first, since the superblock has 16 bits for its nid. */
  readonly placed: readonly Placed[];
  readonly places: ReadonlyMap<Inode, Placed>;
  readonly metadataSize: number;
  readonly dataBlocks: number;
  /** The most frequent modification time: compact inodes have no other. */
  readonly epoch: { readonly seconds: number; readonly nanoseconds: number };
}

/** Inodes of all files together may need 128 MiB of chunk indexes. */
const MAX_TOTAL_CHUNKS = 1 << 24;
/** After so many inodes other work of the process gets its turn. */
export const INODES_PER_TURN = 2048;

/** Lays out a tree. The inodes of one directory stand together, so that listing it reads few blocks. */
export async function layOut(root: DirectoryInode, dataFiles: readonly DataFile[]): Promise<Layout> {
  const links = countLinks(root);
  const layout = new Placement(links, mostFrequentTime(links.keys()), dataFiles);
  layout.place(root, root);
  const directories = [root];
  for (let directory = directories.pop(), turn = 0; directory !== undefined; directory = directories.pop()) {
    for (const child of directory.children.values()) {
      if (layout.places.has(child)) continue;
      layout.place(child, directory);
      if (child.type === "directory") directories.push(child);
      if (++turn % INODES_PER_TURN === 0) await nextTurn();
    }
  }
  return layout;
}

/** Names of every inode; a directory's are its own ".", its name and each child's "..". */
function countLinks(root: DirectoryInode): Map<Inode, number> {
  const links = new Map<Inode, number>([[root, 2]]);
  const directories = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const child of directory.children.values()) {
      links.set(child, (links.get(child) ?? (child.type === "directory" ? 1 : 0)) + 1);
      if (child.type !== "directory") continue;
      links.set(directory, links.get(directory)! + 1);
      directories.push(child);
    }
  }
  return links;
}

function mostFrequentTime(inodes: Iterable<Inode>): { seconds: number; nanoseconds: number } {
  const counts = new Map<string, number>();
  let best = { seconds: 0, nanoseconds: 0 };
  let most = 0;
  for (const { seconds, nanoseconds } of inodes) {
    const key = `${seconds}.${nanoseconds}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count <= most) continue;
    most = count;
    best = { seconds, nanoseconds };
  }
  return best;
}

class Placement implements Layout {
  readonly placed: Placed[] = [];
  readonly places = new Map<Inode, Placed>();
  readonly epoch: { readonly seconds: number; readonly nanoseconds: number };
  metadataSize = 0;
  dataBlocks = 0;
  readonly #links: ReadonlyMap<Inode, number>;
  readonly #dataFiles: readonly DataFile[];
  #chunks = 0;

  constructor(
    links: ReadonlyMap<Inode, number>,
    epoch: { seconds: number; nanoseconds: number },
    dataFiles: readonly DataFile[],
  ) {
    this.#links = links;
    this.epoch = epoch;
    this.#dataFiles = dataFiles;
  }

  place(inode: Inode, parent: Inode): void {
    const xattrs = encodeXattrs(inode.xattrs);
    const content = this.#content(inode, parent);
    const links = this.#links.get(inode)!;
    const extended = !this.#fitsCompact(inode, { size: content.size, links });
    const headSize = (extended ? EXTENDED_SIZE : COMPACT_SIZE) + (xattrs?.byteLength ?? 0);
    const fitted = fitInline(content, headSize);
    const offset = this.#reserve(headSize, fitted);
    const placed = { inode, offset, extended, xattrs, links, dataBlock: this.dataBlocks, ...fitted };
    this.dataBlocks += fitted.dataBlocks;
    this.placed.push(placed);
    this.places.set(inode, placed);
  }

  #fitsCompact(inode: Inode, { size, links }: { size: number; links: number }): boolean {
    const sameTime = inode.seconds === this.epoch.seconds && inode.nanoseconds === this.epoch.nanoseconds;
    return sameTime && size < 2 ** 32 && inode.uid < 2 ** 16 && inode.gid < 2 ** 16 && links < 2 ** 16;
  }

  #content(inode: Inode, parent: Inode): Content {
    if (inode.type === "directory") return directoryContent(inode, parent);
    if (inode.type === "symlink") return flatContent(inode.target.length);
    if (inode.type !== "file" || inode.size === 0) return flatContent(0);
    const chunks = planChunks(inode, this.#dataFiles[inode.data.source]!.sizeBytes);
    this.#chunks += chunks.count;
    if (this.#chunks > MAX_TOTAL_CHUNKS)
      throw new EngineError("invalid-parameter", "index file tree: sparse files have too many pieces");
    const dataBlocks = copiedBlocks(chunks, inode.size);
    return { layout: LAYOUT_CHUNK_BASED, size: inode.size, dataBlocks, inlineSize: 0, chunks };
  }

  /** An inode with inline data stays within one block: kernels before 6.13 refuse other symlinks. */
  #reserve(headSize: number, content: Content): number {
    let offset = alignUp(this.metadataSize, SLOT);
    const tailed = content.layout === LAYOUT_FLAT_INLINE;
    if (tailed && (offset % BLOCK) + headSize + content.inlineSize > BLOCK) offset = alignUp(offset, BLOCK);
    const end = offset + headSize + content.inlineSize;
    this.metadataSize = content.chunks ? alignUp(end, CHUNK_INDEX_SIZE) + content.chunks.count * CHUNK_INDEX_SIZE : end;
    return offset;
  }
}

type Content = Pick<Placed, "layout" | "size" | "dataBlocks" | "inlineSize" | "directory" | "chunks">;

function directoryContent(inode: DirectoryInode, parent: Inode): Content {
  const names = [...inode.children.keys(), "." as ByteString, ".." as ByteString].sort();
  const { starts, tailSize } = splitDirents(names);
  return { ...flatContent((starts.length - 1) * BLOCK + tailSize), directory: { parent, names, starts } };
}

function flatContent(size: number): Content {
  return { layout: LAYOUT_FLAT_PLAIN, size, dataBlocks: Math.ceil(size / BLOCK), inlineSize: 0 };
}

/** Moves the last, partly filled block behind the inode where one block can hold both. */
function fitInline(content: Content, headSize: number): Content {
  const tail = content.size % BLOCK;
  if (content.layout !== LAYOUT_FLAT_PLAIN || tail === 0 || headSize + tail > BLOCK) return content;
  return { ...content, layout: LAYOUT_FLAT_INLINE, dataBlocks: content.dataBlocks - 1, inlineSize: tail };
}

function copiedBlocks(plan: ChunkPlan, fileSize: number): number {
  let blocks = 0;
  let start = 0;
  for (const chunk of plan.chunks()) {
    if (chunk.kind === "copied") blocks += chunkBlocks(plan, { fileSize, start });
    start += 2 ** plan.bits;
  }
  return blocks;
}

/** Blocks of the chunk at `start`; the file's last one may be shorter. */
export function chunkBlocks(plan: ChunkPlan, at: { fileSize: number; start: number }): number {
  return Math.ceil(Math.min(2 ** plan.bits, at.fileSize - at.start) / BLOCK);
}
