import type { ImageExplanation } from "#api/engine";
import { textWidth } from "#lib/term";
import { formatSize } from "../../values/sizes.ts";
import { oneLine, type Style } from "./style.ts";

/** Of a file so large, a change is worth a warning. */
const LARGE_BYTES = 1_000_000;

/** What copy-on-write means for containers of this image, in its own numbers. */
export function copyOnWriteSection(image: ImageExplanation, style: Style): string[] {
  const { Layers, DiskBytes, LargestFile, Config } = image;
  const layers = Layers.length === 1 ? "Its layer is" : `Its ${Layers.length} layers are`;
  const volumes = Object.keys(Config.Volumes ?? {});
  const sentences = [
    `${layers} read-only, and all its containers use the same ${formatSize(DiskBytes)}: a container adds one empty writable layer on top.`,
    "A file that a container changes is first copied up into that layer, whole; one that it deletes is only marked there; the image stays as it is.",
    ...(LargestFile !== undefined && LargestFile.Bytes >= LARGE_BYTES
      ? [`So one changed byte in ${oneLine(LargestFile.Path)} takes ${formatSize(LargestFile.Bytes)} more.`]
      : []),
    "Removing the container removes its layer.",
    ...(volumes.length > 0 ? [`What is written below ${oneLine(volumes.join(", "))} goes to a volume instead.`] : []),
  ];
  return paragraph(sentences.join(" "), style.columns - 4).map((line) => `  ${line}`);
}

function paragraph(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && textWidth(line) + 1 + textWidth(word) <= columns)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
