import type { ImageChange, ImageChangeList, ImageExplanation, ImageTotals } from "#api/engine";
import { formatSize } from "../../values/sizes.ts";
import { alignColumns, type Cell } from "./columns.ts";
import { instructionText, MARKS } from "./layers.ts";
import { oneLine, type Style } from "./style.ts";
import { drawTree, type TreeRow } from "./tree.ts";

/** What `tug explain --layer N` prints: all that the layer did, as a tree. */
export function layerText(image: ImageExplanation, list: ImageChangeList, style: Style): string {
  const layer = image.Layers[list.Layer - 1]!;
  const name = `Layer ${layer.Number} of ${image.Layers.length}`;
  const head: Cell[] = [
    { text: name, paint: (text) => style.bold(style.cyan(text)) },
    instructionText(layer.Instruction),
  ];
  const lines = [
    ...alignColumns([head], { indent: 0, columns: style.cutAt }),
    `  ${style.dim(layer.DiffID)}`,
    `  ${totalsText(layer)}; ${formatSize(layer.DiskBytes)} on disk`,
    "",
    ...drawTree(
      withParents(list.Changes).map((row) => treeRow(row, style)),
      style,
      { indent: 0 },
    ),
    ...(list.Truncated ? [style.dim(`the first ${list.Changes.length} changes; there are more`)] : []),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

interface Totals {
  readonly Added: ImageTotals;
  readonly Changed: ImageTotals;
  readonly Deleted: ImageTotals;
}

/** `3 files (1.2MB) added, 1 file (4B) changed`. Directories count only where there are no files. */
export function totalsText({ Added, Changed, Deleted }: Totals): string {
  const kinds = [
    [Added, "added"],
    [Changed, "changed"],
    [Deleted, "deleted"],
  ] as const;
  const parts = kinds
    .filter(([{ Files, Directories }]) => Files + Directories > 0)
    .map(([totals, word]) => `${amount(totals)} ${word}`);
  return parts.length === 0 ? "nothing changed" : parts.join(", ");
}

function amount({ Files, Directories, Bytes }: ImageTotals): string {
  if (Files === 0) return `${Directories} ${Directories === 1 ? "directory" : "directories"}`;
  return `${Files} ${Files === 1 ? "file" : "files"} (${formatSize(Bytes)})`;
}

type Row = ImageChange | { readonly Path: string };

/** Directories that did not change, but hold something that did, come before it: only where they hold several things. */
function withParents(changes: readonly ImageChange[]): Row[] {
  const counts = new Map<string, number>();
  for (const { Path } of changes) counts.set(parentOf(Path), (counts.get(parentOf(Path)) ?? 0) + 1);
  const shown = new Set<string>();
  return changes.flatMap((change): Row[] => {
    const parent = parentOf(change.Path);
    const isNew = parent !== "/" && !shown.has(parent) && (counts.get(parent) ?? 0) > 1;
    shown.add(change.Path);
    if (isNew) shown.add(parent);
    return isNew ? [{ Path: parent }, change] : [change];
  });
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 1)) || "/";
}

function treeRow(row: Row, style: Style): TreeRow {
  if (!("Kind" in row)) return { path: row.Path, isDirectory: true, cells: [] };
  return {
    path: row.Path,
    isDirectory: row.Type === "directory",
    mark: MARKS[row.Kind],
    cells: changeCells(row, style),
  };
}

function changeCells(change: ImageChange, style: Style): Cell[] {
  const { Type, Bytes } = change;
  const size = Type === "file" || change.FilesBelow !== undefined ? formatSize(Bytes) : "";
  return [size, { text: changeNotes(change).join(", "), paint: style.dim }];
}

/** What else there is to say of a change. */
export function changeNotes({
  Kind,
  Type,
  Mode,
  Uid,
  Gid,
  Bytes,
  LinkTarget,
  FilesBelow,
  SameContent,
  Before,
}: ImageChange): string[] {
  const notes: string[] = [];
  if (LinkTarget !== undefined) notes.push(`→ ${oneLine(LinkTarget)}`);
  if (Kind === "deleted" && FilesBelow !== undefined) notes.push(`with ${FilesBelow} files`);
  if (Kind === "changed" && FilesBelow !== undefined) notes.push(`was a directory of ${FilesBelow} files`);
  if (Kind !== "changed" || Before === undefined) return notes;
  if (Before.Type !== Type && FilesBelow === undefined) notes.push(`was a ${Before.Type}`);
  if (Before.Mode !== Mode) notes.push(`mode ${Before.Mode} → ${Mode}`);
  if (Before.Uid !== Uid || Before.Gid !== Gid) notes.push(`owner ${Before.Uid}:${Before.Gid} → ${Uid}:${Gid}`);
  if (Type !== "file") return notes;
  if (SameContent === true) notes.push("same content, copied again");
  else if (Before.Type === "file") notes.push(`was ${formatSize(Before.Bytes)}`);
  return notes.concat(Bytes === 0 && Before.Bytes > 0 ? ["emptied"] : []);
}
