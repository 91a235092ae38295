import type { ImageFile } from "#api/engine";
import type { FileEntry, FileStat, FileTree } from "#core/snapshots";
import { nextTurn } from "#lib/async";
import { EngineError } from "#lib/errors";
import { type ByteString, byteString, textOf } from "#lib/fs";
import type { ImageChanges } from "./image-changes.ts";
import { modificationTime, octalMode } from "./wire.ts";

/** After so many files other work of the process gets its turn; takes about 2 ms. */
const FILES_PER_TURN = 512;

export interface ListFilesOptions {
  readonly path: string;
  readonly recursive: boolean;
  /** Tell the layer of each. */
  readonly changes?: ImageChanges;
}

interface Directory {
  /** With a slash at its end. */
  readonly path: string;
  readonly stat: FileStat;
}

/** @throws EngineError `not-found` for a path that is not there, `invalid-parameter` for one in circles */
export function resolveFile(tree: FileTree, path: string, options: { followLast: boolean }) {
  const found = tree.resolve(byteString(path), options);
  if (found === undefined) throw new EngineError("not-found", `no such file in the image: "${path}"`);
  return found;
}

/**
 * What is in a directory, sorted by name; of anything else, itself. Recursively, all that is in a directory comes
 * before what is in those within it. A symlink to a directory is followed where it is the path itself.
 */
export async function* listFiles(tree: FileTree, options: ListFilesOptions): AsyncGenerator<ImageFile, void> {
  const found = resolveFile(tree, options.path, { followLast: true });
  if (found.node.type === "directory") {
    const path = found.path === "/" ? "/" : `${found.path}/`;
    yield* listDirectories(tree, { path, stat: found.node }, options);
    return;
  }
  const itself = resolveFile(tree, options.path, { followLast: false });
  const slash = itself.path.lastIndexOf("/") + 1;
  const entry = { name: itself.path.slice(slash) as ByteString, stat: itself.node };
  yield imageFile(tree, itself.path.slice(0, slash), { entry, options });
}

async function* listDirectories(
  tree: FileTree,
  first: Directory,
  options: ListFilesOptions,
): AsyncGenerator<ImageFile, void> {
  let listed = 0;
  const pending = [first];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const within: Directory[] = [];
    for (const entry of tree.entries(directory.stat)) {
      if (++listed % FILES_PER_TURN === 0) await nextTurn();
      yield imageFile(tree, directory.path, { entry, options });
      const { name, stat } = entry;
      if (options.recursive && stat.type === "directory") within.push({ path: `${directory.path}${name}/`, stat });
    }
    for (const each of within.reverse()) pending.push(each);
  }
}

function imageFile(
  tree: FileTree,
  directory: string,
  { entry: { name, stat }, options }: { entry: FileEntry; options: ListFilesOptions },
): ImageFile {
  const { type, size, links, nid, uid, gid } = stat;
  const path = `${directory}${name}` as ByteString;
  const xattrs = [...tree.xattrs(stat).keys()].map(textOf);
  const isDevice = type === "character" || type === "block";
  return {
    Path: textOf(path),
    Name: textOf(name),
    Type: type,
    Mode: octalMode(stat.mode),
    Uid: uid,
    Gid: gid,
    Size: type === "file" || type === "symlink" ? size : 0,
    Links: links,
    Inode: nid,
    ModTime: modificationTime(stat),
    ...(type === "symlink" && { LinkTarget: textOf(tree.readLink(stat)) }),
    ...(isDevice && { Device: `${stat.major}, ${stat.minor}` }),
    ...(xattrs.length > 0 && { Xattrs: xattrs }),
    ...(options.changes && { Layer: options.changes.layerOf(path) + 1 }),
  };
}
