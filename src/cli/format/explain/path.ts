import type { ImageChange, ImagePathEvent, ImagePathHistory } from "#api/engine";
import { formatSize } from "../../values/sizes.ts";
import { changeNotes, totalsText } from "./changes.ts";
import { alignColumns, type Cell } from "./columns.ts";
import { instructionText, MARKS } from "./layers.ts";
import { oneLine, type Style } from "./style.ts";

const MIN_ROOM = 50;

/** What `tug explain --path PATH` prints: what became of it, layer by layer. */
export function pathText({ Path, ResolvedPath, Exists, Events }: ImagePathHistory, style: Style): string {
  const lead = Path === ResolvedPath ? "" : style.dim(`  (that is ${oneLine(ResolvedPath)})`);
  const lines = [`${style.bold(style.cyan(oneLine(Path)))}${lead}`];
  if (Events.length === 0) lines.push(`  ${Exists ? "no layer changed it" : "it was never in this image"}`);
  lines.push(
    ...alignColumns(
      Events.flatMap((event) => eventRows(event, style)),
      { indent: 2, right: [3] },
    ),
  );
  if (Events.length > 0 && !Exists) lines.push(`  ${style.red("it is not in the image any more")}`);
  const target = Events.at(-1)?.Change?.LinkTarget;
  if (Exists && target !== undefined)
    lines.push(`  ${style.dim(`a symlink: ask for ${oneLine(target)} to see what it leads to`)}`);
  return `${lines.join("\n")}\n`;
}

/** A line for the path itself, one for what happened below it. */
function eventRows(event: ImagePathEvent, style: Style): Cell[][] {
  const { Layer, Instruction, Change } = event;
  const layer = { text: `layer ${Layer}`, paint: style.cyan };
  const instruction = { text: instructionText(Instruction, style, style.columns - MIN_ROOM), paint: style.dim };
  const below =
    event.Added.Files + event.Changed.Files + event.Deleted.Files > 0 ? `below it ${totalsText(event, style)}` : "";
  if (Change === undefined) return [[layer, "", below, "", instruction]];
  const own: Cell[] = [layer, mark(Change, style), changeText(Change), size(Change), instruction];
  return below === "" ? [own] : [own, ["", "", below]];
}

function mark({ Kind }: ImageChange, style: Style): Cell {
  return { text: MARKS[Kind], paint: Kind === "added" ? style.green : Kind === "changed" ? style.yellow : style.red };
}

function changeText(change: ImageChange): string {
  const { Kind, Type, Mode, Uid, Gid } = change;
  const what = Kind === "deleted" ? `${Kind}` : `${Kind}, ${Type} ${Mode} ${Uid}:${Gid}`;
  return [what, ...changeNotes(change)].join(", ");
}

function size({ Kind, Type, Bytes }: ImageChange): string {
  return Kind === "deleted" || Type !== "file" ? "" : formatSize(Bytes);
}
