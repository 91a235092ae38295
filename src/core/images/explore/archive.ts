import { goFileMode, type PathStat } from "#api/engine";
import { type FileStat, type FileTree, readContent, readExtent } from "#core/snapshots";
import { nextTurn } from "#lib/async";
import type { Extent } from "#lib/erofs";
import { type ByteString, byteString, pathParts, textOf } from "#lib/fs";
import { TAR_BLOCK, TAR_END, type TarHeader, tarHeader, tarPadding } from "#lib/tar";
import { resolveFile } from "./files.ts";
import { modificationTime } from "./wire.ts";

/** After so many files other work of the process gets its turn; takes about 2 ms. */
const FILES_PER_TURN = 256;
/** Of a file in more pieces the holes are written as zeros: their map would take more memory than is worth it. */
const MAX_PIECES = 1 << 16;

/** S_IFMT. */
const KERNEL_TYPES = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
} as const;

interface Member {
  readonly name: ByteString;
  readonly stat: FileStat;
}

/**
 * What a path is. A symlink at its end is not followed unless `/` or `/.` stands behind it.
 *
 * @throws EngineError `not-found` for a path that is not there, `invalid-parameter` for one in circles
 */
export function archiveStat(tree: FileTree, path: string): PathStat {
  const { name, stat } = memberOf(tree, path);
  const { type, mode, size } = stat;
  return {
    name: textOf(name),
    size: type === "file" || type === "symlink" ? size : 0,
    mode: goFileMode(KERNEL_TYPES[type] | mode),
    mtime: modificationTime(stat),
    linkTarget: type === "symlink" ? linkTarget(tree, path) : "",
  };
}

/** Puts a path, and what is in it, into a tar, under its last part. @throws as `archiveStat` */
export async function* writeArchive(tree: FileTree, path: string): AsyncGenerator<Uint8Array, void> {
  /** The first names of files that have several. */
  const names = new Map<number, ByteString>();
  let written = 0;
  const pending = [memberOf(tree, path)];
  for (let member = pending.pop(); member !== undefined; member = pending.pop()) {
    if (++written % FILES_PER_TURN === 0) await nextTurn();
    yield* writeMember(tree, member, names);
    if (member.stat.type !== "directory") continue;
    const children = [...tree.entries(member.stat)];
    const prefix = member.name === "/" ? "/" : `${member.name}/`;
    for (const { name, stat } of children.reverse()) pending.push({ name: `${prefix}${name}` as ByteString, stat });
  }
  yield TAR_END;
}

function memberOf(tree: FileTree, path: string): Member {
  const found = resolveFile(tree, path, { followLast: /\/\.?$/.test(path) });
  return { name: baseName(path), stat: found.node };
}

/** The last part as Docker names it: `/` is itself, what ends in `/.` is `.`. */
function baseName(path: string): ByteString {
  if (/\/\.$/.test(path)) return "." as ByteString;
  return pathParts(byteString(path)).at(-1) ?? ("/" as ByteString);
}

/** The path that it leads to in the end; empty when that is nowhere. */
function linkTarget(tree: FileTree, path: string): string {
  const found = tree.resolve(byteString(path));
  return found === undefined ? "" : textOf(found.path);
}

async function* writeMember(
  tree: FileTree,
  { name, stat }: Member,
  names: Map<number, ByteString>,
): AsyncGenerator<Uint8Array, void> {
  const common = headerOf(tree, name, stat);
  const first = names.get(stat.nid);
  if (first !== undefined) {
    yield tarHeader({ ...common, type: "link", linkName: first });
    return;
  }
  if (stat.links > 1 && stat.type !== "directory") names.set(stat.nid, name);
  if (stat.type === "file") yield* writeFile(tree, stat, common);
  else if (stat.type === "symlink") yield tarHeader({ ...common, linkName: tree.readLink(stat) });
  else yield tarHeader(common);
}

function headerOf(tree: FileTree, name: ByteString, stat: FileStat): TarHeader {
  const { type, mode, uid, gid, seconds, nanoseconds, major, minor } = stat;
  return {
    type,
    name: type === "directory" && name !== "/" ? (`${name}/` as ByteString) : name,
    mode,
    uid,
    gid,
    modified: { seconds, nanoseconds },
    deviceMajor: major,
    deviceMinor: minor,
    xattrs: tree.xattrs(stat),
  };
}

async function* writeFile(tree: FileTree, stat: FileStat, header: TarHeader): AsyncGenerator<Uint8Array, void> {
  const pieces = sparsePieces(tree, stat);
  if (pieces === undefined) {
    yield tarHeader({ ...header, size: stat.size });
    yield* readContent(tree, stat);
    yield tarPadding(stat.size);
    return;
  }
  yield tarHeader({ ...header, size: stat.size, segments: pieces });
  for (const piece of pieces) yield* readExtent(tree, piece);
  yield tarPadding(pieces.reduce((sum, { size }) => sum + size, 0));
}

/** The pieces of a file with holes; undefined when it has none, or pieces that a tar cannot say. */
function sparsePieces(tree: FileTree, stat: FileStat): Extent[] | undefined {
  const pieces: Extent[] = [];
  let stored = 0;
  for (const piece of tree.extents(stat)) {
    if (stored % TAR_BLOCK !== 0 || piece.offset % TAR_BLOCK !== 0 || pieces.length >= MAX_PIECES) return undefined;
    pieces.push(piece);
    stored += piece.size;
  }
  return stored < stat.size ? pieces : undefined;
}
