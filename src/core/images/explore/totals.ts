import type { ImageTotals } from "#api/engine";
import type { Change } from "./changes.ts";

/** Adds up what changes come to. */
export function totalsOf(changes: Iterable<Change>): ImageTotals {
  const totals = { Files: 0, Directories: 0, Bytes: 0 };
  for (const { kind, inode, sizeBytes, filesBelow } of changes) {
    if (inode.type === "directory") totals.Directories++;
    else totals.Files++;
    if (kind === "deleted") totals.Files += filesBelow;
    totals.Bytes += sizeBytes;
  }
  return totals;
}

/** What a change came to in the picture of a layer: how many files, itself or below. */
export function filesOf({ kind, inode, filesBelow }: Change): number {
  const below = kind === "deleted" ? filesBelow : 0;
  return inode.type === "directory" ? below : 1 + below;
}

/** Whether a path is another one or below it. Both are from the root. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}
