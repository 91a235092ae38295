import type { ImageComparison, ImageComparisonLayer, ImageDifference, ImageTotals } from "#api/engine";
import { formatSize } from "../../values/sizes.ts";
import { ellipsis, shortId } from "../ellipsis.ts";
import { alignColumns, type Cell } from "./columns.ts";
import { instructionText } from "./layers.ts";
import { oneLine, type Style } from "./style.ts";
import { drawTree, type Mark, type TreeRow } from "./tree.ts";

/** Differences shown unless all are wanted. */
const SHOWN = 40;

/** What `tug diff IMAGE1 IMAGE2` prints. */
export function comparisonText(images: ImageComparison, names: readonly [string, string], style: Style): string {
  const sections: [head: string, lines: readonly string[]][] = [
    ["Layers", layerLines(images, names, style)],
    ["Files (A only in the second, D only in the first, C in both and different)", fileLines(images, style)],
    ["Settings", settingLines(images, style)],
  ];
  const parts = sections.map(([head, lines]) => [style.bold(head), ...lines].join("\n"));
  return `${[headLines(images, names, style).join("\n"), ...parts].join("\n\n")}\n`;
}

function headLines({ Images }: ImageComparison, names: readonly [string, string], style: Style): string[] {
  const rows = Images.map(({ Id, DiskBytes }, i): Cell[] => [
    { text: i === 0 ? "first" : "second", paint: style.dim },
    { text: oneLine(names[i]!), paint: (text) => style.bold(style.cyan(text)) },
    shortId(Id),
    `${formatSize(DiskBytes)} on disk`,
  ]);
  const same = Images[0].Id === Images[1].Id ? ["They are the same image."] : [];
  return [...alignColumns(rows, { indent: 0 }), ...same];
}

function layerLines(
  { Layers, SharedDiskBytes }: ImageComparison,
  names: readonly [string, string],
  style: Style,
): string[] {
  const shared = Layers.filter((layer) => layer.In === "both");
  const rows = Layers.filter((layer) => layer.In !== "both").map((layer) => layerRow(layer, style));
  const count = shared.length === 1 ? "1 layer is" : `${shared.length} layers are`;
  const sharing =
    shared.length === 0
      ? `  ${oneLine(names[0])} and ${oneLine(names[1])} share no layer`
      : `  ${count} in both and on disk once (${formatSize(SharedDiskBytes)})`;
  return [sharing, ...alignColumns(rows, { indent: 2, right: [1, 2], columns: style.cutAt })];
}

function layerRow({ In, Number: number, DiskBytes, Instruction }: ImageComparisonLayer, style: Style): Cell[] {
  const side = { text: `only in the ${In}`, paint: In === "first" ? style.red : style.green };
  return [side, String(number), formatSize(DiskBytes), instructionText(Instruction)];
}

function fileLines(images: ImageComparison, style: Style): string[] {
  const { Added, Removed, Changed, Touched, NotCompared, Truncated } = images;
  const differences = style.truncate ? images.Differences.slice(0, SHOWN) : images.Differences;
  const totals = [
    style.green(`${amount(Added)} added`),
    style.red(`${amount(Removed)} removed`),
    style.yellow(`${amount(Changed)} changed`),
    ...(Touched > 0 ? [`${Touched} the same but for their time`] : []),
  ];
  const left = images.Differences.length - differences.length;
  return [
    `  ${totals.join(", ")}`,
    ...drawTree(
      differences.map((difference) => differenceRow(difference, style)),
      style,
      { indent: 2 },
    ),
    ...(left > 0 || Truncated
      ? [`  ${style.dim(`and ${left}${Truncated ? " or more" : ""} others: see them with --no-trunc or --json`)}`]
      : []),
    ...(NotCompared > 0
      ? [`  ${style.dim(`${NotCompared} of the changed files differ in time, and were too large to compare`)}`]
      : []),
  ];
}

function amount({ Files, Bytes }: ImageTotals): string {
  return `${Files} ${Files === 1 ? "file" : "files"} (${formatSize(Bytes)})`;
}

const MARKS: Readonly<Record<ImageDifference["Kind"], Mark>> = { added: "A", removed: "D", changed: "C" };

function differenceRow(
  { Kind, Path, Type, Bytes, Files, What = [], BytesBefore }: ImageDifference,
  style: Style,
): TreeRow {
  const isDirectory = Type === "directory";
  const notes = isDirectory && Kind !== "changed" ? [`${Files} ${Files === 1 ? "file" : "files"}`] : What.map(String);
  if (BytesBefore !== undefined && BytesBefore !== Bytes) notes.push(`was ${formatSize(BytesBefore)}`);
  const size = Type === "file" || (isDirectory && Kind !== "changed") ? formatSize(Bytes) : "";
  return { path: Path, isDirectory, mark: MARKS[Kind], cells: [size, { text: notes.join(", "), paint: style.dim }] };
}

function settingLines({ Settings }: ImageComparison, style: Style): string[] {
  if (Settings.length === 0) return ["  the same"];
  const room = Math.max(20, Math.floor(style.columns / 2) - 16);
  const shown = (text: string | undefined) => {
    if (text === undefined) return "(not set)";
    return style.truncate ? ellipsis(oneLine(text), room) : oneLine(text);
  };
  const rows = Settings.map(({ Name, Before, After }): Cell[] => [
    oneLine(Name),
    { text: shown(Before), paint: style.red },
    "→",
    { text: shown(After), paint: style.green },
  ]);
  return alignColumns(rows, { indent: 2 });
}
