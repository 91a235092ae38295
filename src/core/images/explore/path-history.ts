import type { ImagePathEvent, ImagePathHistory } from "#api/engine";
import type { FileTree } from "#core/snapshots";
import { type ByteString, byteString, pathParts, textOf } from "#lib/fs";
import type { Change } from "./changes.ts";
import type { ImageChanges } from "./image-changes.ts";
import { isWithin, totalsOf } from "./totals.ts";
import { imageChange } from "./wire.ts";

interface Input {
  readonly tree: FileTree;
  readonly changes: ImageChanges;
  readonly path: string;
  /** Of each layer. */
  readonly instructions: readonly string[];
}

/**
 * What became of a path, layer by layer; of a directory, what happened below it too. A path that is there is followed
 * first, all but a symlink at its end; one that is not may have been there once.
 *
 * @throws EngineError `invalid-parameter` for too many symlinks
 */
export function pathHistory({ tree, changes, path, instructions }: Input): ImagePathHistory {
  const literal = `/${pathParts(byteString(path)).join("/")}` as ByteString;
  const found = tree.resolve(literal, { followLast: false });
  const resolved = found?.path ?? literal;
  const events = changes.layers.flatMap((layer, position) => {
    const own = layer.find((change) => concerns(change, resolved));
    const below = layer.filter((change) => change !== own && isWithin(change.path, resolved));
    return own || below.length > 0 ? [eventOf({ own, below, layer: position, instructions })] : [];
  });
  return { Path: textOf(literal), ResolvedPath: textOf(resolved), Exists: found !== undefined, Events: events };
}

/** Its own change, or the end of a directory that it was in. */
function concerns({ kind, path, inode, before }: Change, wanted: ByteString): boolean {
  if (path === wanted) return true;
  if (!isWithin(wanted, path)) return false;
  return kind === "deleted" || (before?.inode.type === "directory" && inode.type !== "directory");
}

function eventOf(event: {
  own: Change | undefined;
  below: readonly Change[];
  layer: number;
  instructions: readonly string[];
}): ImagePathEvent {
  const { own, below, layer, instructions } = event;
  const of = (kind: Change["kind"]) => totalsOf(below.filter((change) => change.kind === kind));
  return {
    Layer: layer + 1,
    Instruction: instructions[layer] ?? "",
    ...(own && { Change: imageChange(own) }),
    Added: of("added"),
    Changed: of("changed"),
    Deleted: of("deleted"),
  };
}
