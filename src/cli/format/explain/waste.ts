import type { ImageExplanation, ImageWaste } from "#api/engine";
import { formatSize } from "../../values/sizes.ts";
import { alignColumns, type Cell } from "./columns.ts";
import { oneLine, type Style } from "./style.ts";

const SHOWN = 8;

/** Bytes that stay in lower layers though no container sees them. */
export function wasteSection(image: ImageExplanation, style: Style): string[] {
  const { WastedBytes, LayerBytes, Efficiency, Wasted } = image;
  if (WastedBytes === 0) return [`  ${style.green("none")}: no layer hides files of the layers below it`];
  const percent = `${(Efficiency * 100).toFixed(1)}%`;
  const rows = (style.truncate ? Wasted.slice(0, SHOWN) : Wasted).map((waste): Cell[] => [
    { text: formatSize(waste.Bytes), paint: style.red },
    oneLine(waste.Path),
    reason(waste),
  ]);
  return [
    `  ${style.red(formatSize(WastedBytes))} of ${formatSize(LayerBytes)} is stored and never seen (efficiency ${percent})`,
    ...alignColumns(rows, { indent: 4, right: [0] }),
  ];
}

function reason({ Layer, By, Kind, SameContent }: ImageWaste): string {
  const how = Kind === "deleted" ? "deleted" : SameContent ? "copied again for its mode, owner or time" : "replaced";
  return `in layer ${Layer}, ${how} by layer ${By}`;
}

/** Other images that have layers of this one, so that these are on disk once. */
export function sharingSection({ SharedWith }: ImageExplanation, style: Style): string[] {
  if (SharedWith.length === 0) return [`  ${style.dim("no other image here has a layer of this one")}`];
  const rows = (style.truncate ? SharedWith.slice(0, SHOWN) : SharedWith).map(
    ({ Image, Layers, DiskBytes }): Cell[] => [
      oneLine(Image),
      formatSize(DiskBytes),
      { text: `${Layers.length === 1 ? "layer" : "layers"} ${ranges(Layers)}`, paint: style.cyan },
    ],
  );
  return alignColumns(rows, { indent: 2, right: [1] });
}

/** `1–3, 5`. */
function ranges(numbers: readonly number[]): string {
  const found: [first: number, last: number][] = [];
  for (const number of numbers) {
    const range = found.at(-1);
    if (range !== undefined && range[1] === number - 1) range[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? String(first) : `${first}–${last}`)).join(", ");
}
