/** What `tug explain IMAGE` prints: from the whole to the details, each section under a head of its own. */
import type { ImageExplanation } from "#api/engine";
import { durationText, nanoOf } from "#lib/time";
import { formatSize } from "../../values/sizes.ts";
import { shortId } from "../ellipsis.ts";
import { copyOnWriteSection } from "./copy-on-write.ts";
import { layersSection, treesSection } from "./layers.ts";
import { programSection } from "./program.ts";
import { settingsSection } from "./settings.ts";
import { oneLine, type Style } from "./style.ts";
import { sharingSection, wasteSection } from "./waste.ts";

export function explanationText(image: ImageExplanation, style: Style, nowMs: number): string {
  const sections: [head: string, lines: readonly string[]][] = [
    ["Layers, from the lowest to the highest", layersSection(image, style)],
    ["What each layer did (A added, C changed, D deleted)", treesSection(image, style)],
    ["What a container of it runs", programSection(image, style)],
    ["Settings", settingsSection(image, style)],
    ["Wasted space", wasteSection(image, style)],
    ["Shared layers", sharingSection(image, style)],
    ["Copy-on-write", copyOnWriteSection(image, style)],
  ];
  const parts = sections.filter(([, lines]) => lines.length > 0).map(([head, lines]) => [style.bold(head), ...lines]);
  return `${[headLines(image, style, nowMs), ...parts].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function headLines(image: ImageExplanation, style: Style, nowMs: number): string[] {
  const { Files, Layers, Created } = image;
  const created = nanoOf(Created);
  const age = created === undefined ? "" : `, created ${durationText(nowMs - Number(created / 1_000_000n))} ago`;
  const names = image.RepoTags.length === 0 ? shortId(image.Id) : image.RepoTags.join(", ");
  const author = image.Author === "" ? [] : [`  by ${oneLine(image.Author)}`];
  const digests = image.RepoDigests.map((digest) => `  ${digest}`);
  return [
    style.bold(style.cyan(oneLine(names))),
    `  ${oneLine(image.Platform)}${age}, ID ${style.truncate ? shortId(image.Id) : image.Id}`,
    ...author,
    ...(style.truncate ? digests.slice(0, 1) : digests),
    `  ${count(Layers.length, "layer")} of ${formatSize(image.DiskBytes)} on disk; a container sees ${count(Files.Files, "file")}, ${formatSize(Files.Bytes)}`,
  ];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
