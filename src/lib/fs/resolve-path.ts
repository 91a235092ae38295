import { EngineError } from "#lib/errors";
import { type ByteString, textOf } from "./byte-string.ts";

/** As the kernel's own limit on following. */
const MAX_SYMLINKS = 40;

/** What following a path needs to know of a tree of files. */
export interface Walkable<N> {
  readonly root: N;
  typeOf(node: N): string;
  /** What a name in a directory leads to. */
  child(directory: N, name: ByteString): N | undefined;
  readLink(symlink: N): ByteString;
}

export interface ResolvedPath<N> {
  readonly node: N;
  /** From the root, without symlinks on the way: `/usr/bin/dash`. The root is `/`. */
  readonly path: ByteString;
  /** The symlinks that were followed, in order, in the same form. */
  readonly followed: readonly ByteString[];
}

/**
 * Follows a path as the kernel would if the tree's root were `/`: `..` stays within, symlinks too.
 *
 * @param options - followLast: whether a symlink at the very end is followed; it is unless told otherwise
 * @throws EngineError `invalid-parameter` for too many symlinks
 */
export function resolvePath<N>(
  tree: Walkable<N>,
  path: ByteString,
  { followLast = true }: { followLast?: boolean } = {},
): ResolvedPath<N> | undefined {
  const nodes = [tree.root];
  const names: ByteString[] = [];
  const followed: ByteString[] = [];
  const pending = pathParts(path).toReversed();
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    const directory = nodes.at(-1)!;
    if (tree.typeOf(directory) !== "directory") return undefined;
    if (part === "..") {
      if (names.pop() !== undefined) nodes.pop();
      continue;
    }
    const node = tree.child(directory, part);
    if (node === undefined) return undefined;
    if (tree.typeOf(node) !== "symlink" || (pending.length === 0 && !followLast)) {
      nodes.push(node);
      names.push(part);
      continue;
    }
    followed.push(joined([...names, part]));
    if (followed.length > MAX_SYMLINKS)
      throw new EngineError("invalid-parameter", `find "${textOf(path)}": too many symlinks`);
    const target = tree.readLink(node);
    if (target.startsWith("/")) nodes.length = 1;
    if (target.startsWith("/")) names.length = 0;
    pending.push(...pathParts(target).toReversed());
  }
  return { node: nodes.at(-1)!, path: joined(names), followed };
}

/** The names in a path, `.` and empty ones left out. */
export function pathParts(path: ByteString): ByteString[] {
  return path.split("/").filter((part) => part !== "" && part !== ".") as ByteString[];
}

function joined(names: readonly ByteString[]): ByteString {
  return `/${names.join("/")}` as ByteString;
}
