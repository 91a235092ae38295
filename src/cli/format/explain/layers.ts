import type { ImageChangeKind, ImageExplanation, ImageOutlineRow } from "#api/engine";
import { formatSize } from "../../values/sizes.ts";
import { alignColumns, type Cell } from "./columns.ts";
import { oneLine, type Style } from "./style.ts";
import { drawTree, type Mark, type TreeRow } from "./tree.ts";

/** The table of steps: those that made a layer with its numbers, the others for what they set. */
export function layersSection({ Steps, Layers }: ImageExplanation, style: Style): string[] {
  const head = ["#", "ON DISK", "SIZE", "ADDED", "CHANGED", "DELETED", "WASTED", "INSTRUCTION"];
  const rows = Steps.map((step): Cell[] => {
    const instruction = instructionText(step.Instruction);
    const layer = step.Layer === undefined ? undefined : Layers[step.Layer - 1];
    if (layer === undefined) {
      const metadata = { text: "metadata", paint: style.dim };
      return ["", metadata, "", "", "", "", "", { text: instruction, paint: style.dim }];
    }
    const wasted = layer.WastedBytes === 0 ? "0B" : { text: formatSize(layer.WastedBytes), paint: style.red };
    return [
      { text: String(layer.Number), paint: style.cyan },
      formatSize(layer.DiskBytes),
      formatSize(layer.FileBytes),
      amount(layer.Added.Files, style.green),
      amount(layer.Changed.Files, style.yellow),
      amount(layer.Deleted.Files, style.red),
      wasted,
      instruction,
    ];
  });
  return alignColumns([head.map((text) => ({ text, paint: style.dim })), ...rows], {
    indent: 2,
    right: [0, 1, 2, 3, 4, 5, 6],
    columns: style.cutAt,
  });
}

function amount(files: number, paint: (text: string) => string): Cell {
  return files === 0 ? "0" : { text: String(files), paint };
}

/** Where the bytes of each layer are. */
export function treesSection({ Layers }: ImageExplanation, style: Style): string[] {
  return Layers.flatMap((layer) => {
    const number = { text: String(layer.Number), paint: style.cyan };
    const head = alignColumns([[number, instructionText(layer.Instruction)]], { indent: 2, columns: style.cutAt });
    if (layer.Outline.length === 0) return [...head, `     ${style.dim("changes no file")}`];
    return [...head, ...drawTree(layer.Outline.map(outlineRow), style, { indent: 5 })];
  });
}

export const MARKS: Readonly<Record<ImageChangeKind, Mark>> = { added: "A", changed: "C", deleted: "D" };

function outlineRow({ Path, Kind, Type, Bytes, Files }: ImageOutlineRow): TreeRow {
  const isDirectory = Type === "directory";
  const files = isDirectory ? [`${Files} ${Files === 1 ? "file" : "files"}`] : [];
  const mark = Kind === undefined ? {} : { mark: MARKS[Kind] };
  return { path: Path, isDirectory, ...mark, cells: [formatSize(Bytes), ...files] };
}

export function instructionText(instruction: string): string {
  return instruction === "" ? "(the image does not say)" : oneLine(instruction);
}
