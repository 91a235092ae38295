import { type FileHandle, open } from "node:fs/promises";
import type { ErofsStat, Extent } from "#lib/erofs";
import { EngineError } from "#lib/errors";
import { type ByteString, fileError, type ResolvedPath } from "#lib/fs";

/** What is known of a file. Names of one file (hard links) have the same `nid`; `size` means something for files and symlinks. */
export type FileStat = ErofsStat;

export interface FileEntry {
  readonly name: ByteString;
  readonly stat: FileStat;
}

/**
 * The files that a chain makes, read from what is kept of its layers: no mount, no extraction, nothing of the host can be
 * reached. Paths are resolved with the tree as `/`, as the kernel would. It holds open files until it is disposed of,
 * and goes on working when its image is removed meanwhile, as far as those files go.
 */
export interface FileTree extends Disposable {
  /** @throws `invalid-parameter` for too many symlinks */
  resolve(path: ByteString, options?: { followLast?: boolean }): ResolvedPath<FileStat> | undefined;
  /** The names in a directory, sorted by bytes, without "." and "..". */
  entries(directory: FileStat): Iterable<FileEntry>;
  readLink(symlink: FileStat): ByteString;
  xattrs(file: FileStat): ReadonlyMap<ByteString, Uint8Array>;
  /** Where the content of a regular file lies, ascending. What lies nowhere is zero. */
  extents(file: FileStat): Iterable<Extent>;
  /** The file that the extents of a source lie in. */
  sourcePath(source: number): string;
}

/** Of a file, as many bytes as there are from `offset` on, `length` at most. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Read, and held in memory, at once. */
const PIECE_BYTES = 256 * 1024;
const ZEROS = new Uint8Array(PIECE_BYTES);

/**
 * The content of a regular file, or a range of it, in pieces of bounded size. Holes read as zeros.
 *
 * @throws EngineError `not-found` when a layer is gone; `internal` when it is cut off
 */
export async function* readContent(
  tree: FileTree,
  file: FileStat,
  range: ByteRange = { offset: 0, length: file.size },
): AsyncGenerator<Uint8Array, void> {
  const end = Math.min(file.size, range.offset + range.length);
  let position = range.offset;
  for (const extent of tree.extents(file)) {
    if (position >= end) return;
    const from = Math.max(position, extent.offset);
    const to = Math.min(end, extent.offset + extent.size);
    if (to <= from) continue;
    yield* zeros(from - position);
    yield* readExtent(tree, extent, { offset: from - extent.offset, length: to - from });
    position = to;
  }
  yield* zeros(end - position);
}

/** The bytes of an extent, or a range of them. */
export async function* readExtent(
  tree: FileTree,
  extent: Extent,
  range: ByteRange = { offset: 0, length: extent.size },
): AsyncGenerator<Uint8Array, void> {
  const path = tree.sourcePath(extent.source);
  await using file = await opened(path);
  for (let done = 0; done < range.length; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, range.length - done));
    const { bytesRead } = await file.read(piece, 0, piece.byteLength, extent.at + range.offset + done);
    if (bytesRead === 0) throw new EngineError("internal", `read layer "${path}": it is cut off`);
    done += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw fileError(`open layer "${path}"`, error);
  }
}

function* zeros(length: number): Generator<Uint8Array, void> {
  for (let left = length; left > 0; left -= PIECE_BYTES) yield ZEROS.subarray(0, Math.min(left, PIECE_BYTES));
}
