import { posix } from "node:path";
import type { ImageChange, ImagePathEvent, ImagePathHistory } from "#api/engine";
import { formatSize } from "../../values/sizes.ts";
import { changeNotes, totalsText } from "./changes.ts";
import { alignColumns, type Cell } from "./columns.ts";
import { instructionText, MARKS } from "./layers.ts";
import { oneLine, type Style } from "./style.ts";

/** What `tug explain --path PATH` prints: what became of it, layer by layer. */
export function pathText({ Path, ResolvedPath, Exists, Events }: ImagePathHistory, style: Style): string {
  const resolved = Path === ResolvedPath ? "" : style.dim(`  (that is ${oneLine(ResolvedPath)})`);
  const rows = Events.flatMap((event) => eventRows(event, ResolvedPath, style));
  const lines = [
    `${style.bold(style.cyan(oneLine(Path)))}${resolved}`,
    ...alignColumns(rows, { indent: 2, right: [3], columns: style.cutAt }),
  ];
  if (Events.length === 0) lines.push(`  ${Exists ? "no layer changed it" : "it was never in this image"}`);
  else if (!Exists) lines.push(`  ${style.red("it is not in the image any more")}`);
  const target = Exists ? Events.findLast(({ Change }) => Change !== undefined)?.Change?.LinkTarget : undefined;
  if (target !== undefined) {
    const path = posix.resolve(posix.dirname(ResolvedPath), target);
    lines.push(`  ${style.dim(`to see what it leads to: --path ${oneLine(path)}`)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** A line for the path itself, one for what happened below it. */
function eventRows(event: ImagePathEvent, path: string, style: Style): Cell[][] {
  const { Layer, Instruction, Change, Added, Changed, Deleted } = event;
  const layer = { text: `layer ${Layer}`, paint: style.cyan };
  const instruction = { text: instructionText(Instruction), paint: style.dim };
  const below = Added.Files + Changed.Files + Deleted.Files > 0 ? `below it ${totalsText(event)}` : "";
  if (Change === undefined) return [[layer, "", below, "", instruction]];
  const own: Cell[] = [layer, mark(Change, style), changeText(Change, path), size(Change), instruction];
  return below === "" ? [own] : [own, ["", "", below]];
}

function mark({ Kind }: ImageChange, style: Style): Cell {
  return { text: MARKS[Kind], paint: Kind === "added" ? style.green : Kind === "changed" ? style.yellow : style.red };
}

/** It may have gone with a directory that it was in. */
function changeText(change: ImageChange, path: string): string {
  const { Kind, Path, Type, Mode, Uid, Gid } = change;
  if (Path !== path) return `${Kind} with ${oneLine(Path)}`;
  const what = Kind === "deleted" ? Kind : `${Kind}, ${Type} ${Mode} ${Uid}:${Gid}`;
  return [what, ...changeNotes(change)].join(", ");
}

function size({ Kind, Type, Bytes }: ImageChange): string {
  return Kind === "deleted" || Type !== "file" ? "" : formatSize(Bytes);
}
