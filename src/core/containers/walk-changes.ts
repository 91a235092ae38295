import { treePlan } from "#core/runtime";
import { OPAQUE_XATTR, type SnapshotDiff } from "#core/snapshots";
import type { TreeEntry } from "#executor";
import type { ContainerID } from "./container.ts";
import type { Context } from "./context.ts";
import { isEngineMade } from "./engine-made.ts";
import { makeMountPoints } from "./root-mount-points.ts";
import { typeOf } from "./tree-tar.ts";

/** What became of one path. */
export interface ChangedEntry {
  readonly kind: "added" | "modified" | "deleted";
  /** As it is now; of what was deleted only the path counts. */
  readonly entry: TreeEntry;
}

interface Options {
  /** With content and what is the same as before but was written: what a layer has. */
  readonly forLayer: boolean;
  readonly xattrs: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * What is different from the image, parents first. A directory comes when it changed itself, or something in it. What the engine
 * made in the root filesystem is not among it.
 */
export async function* walkChanges(context: Context, id: ContainerID, options: Options): AsyncGenerator<ChangedEntry> {
  const diff = await context.snapshotter.diff(id);
  await makeMountPoints(diff.below);
  /** Directories that are the same so far, outermost first. */
  let unchanged: TreeEntry[] = [];
  /** The last directory through which nothing shows: in a layer all that is in it has to be there again. */
  let opaque: TreeEntry | undefined;
  for await (const entry of walkDiff(context, diff, options)) {
    if (entry.path === "") continue;
    unchanged = unchanged.filter((directory) => isIn(entry, directory));
    if (opaque && !isIn(entry, opaque)) opaque = undefined;
    const kind = options.forLayer ? kindInLayer(entry, opaque) : kindOf(entry);
    if (kind === undefined) {
      if (typeOf(entry) === "directory") unchanged.push(entry);
      continue;
    }
    for (const parent of unchanged.splice(0)) yield { kind: "modified", entry: parent };
    yield { kind, entry };
    if (entry.opaque) opaque ??= entry;
  }
}

function walkDiff({ executor }: Context, { path, whole, below }: SnapshotDiff, options: Options) {
  const { forLayer, xattrs, signal } = options;
  return executor.walk(
    [
      ...treePlan(below),
      {
        op: "walk",
        root: path,
        target: Buffer.from("/"),
        below: below.path,
        opaque: whole ? "" : OPAQUE_XATTR,
        all: whole,
        changed: whole || !forLayer,
        brief: !forLayer,
        content: forLayer,
        xattrs,
      },
    ],
    signal,
  );
}

/** Undefined for what is as before. */
function kindOf(entry: TreeEntry): ChangedEntry["kind"] | undefined {
  if (entry.mode === 0 || isWhiteout(entry)) return entry.below === "absent" ? undefined : "deleted";
  if (entry.below === "absent") return isEngineMade(entry) ? undefined : "added";
  return entry.below === "different" ? "modified" : undefined;
}

/** What was written as it was before comes along: it may be another name of something new. */
function kindInLayer(entry: TreeEntry, opaque: TreeEntry | undefined): ChangedEntry["kind"] | undefined {
  const isGone = entry.mode === 0 || isWhiteout(entry);
  if (isGone && opaque) return undefined;
  const kind = kindOf(entry);
  if (kind !== undefined || entry.below === "absent") return kind;
  return typeOf(entry) !== "directory" || entry.opaque || opaque ? "modified" : undefined;
}

/** Overlayfs's mark for what was removed. */
function isWhiteout(entry: TreeEntry): boolean {
  return typeOf(entry) === "character" && entry.deviceMajor === 0 && entry.deviceMinor === 0;
}

function isIn({ path }: TreeEntry, directory: TreeEntry): boolean {
  return path.startsWith(`${directory.path}/`);
}
