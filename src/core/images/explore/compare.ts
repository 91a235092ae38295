import type { ImageComparison, ImageComparisonLayer, ImageComparisonSide } from "#api/engine";
import type { FileTree } from "#core/snapshots";
import type { Image } from "../image.ts";
import { familiar } from "../lookup.ts";
import { compareFiles } from "./compare-files.ts";
import { buildSteps } from "./instructions.ts";
import { compareSettings } from "./settings.ts";

export interface ComparedImage {
  readonly image: Image;
  readonly tree: FileTree;
  /** Bytes of each layer's tar. */
  readonly diskBytes: readonly number[];
}

/** What tells two images apart: layers, files, settings. */
export async function compareImages(
  first: ComparedImage,
  second: ComparedImage,
  signal: AbortSignal,
): Promise<ImageComparison> {
  const layers = compareLayers(first, second);
  const files = await compareFiles(first.tree, second.tree, signal);
  return {
    Images: [sideOf(first), sideOf(second)],
    Layers: layers,
    SharedDiskBytes: layers.reduce((sum, layer) => sum + (layer.In === "both" ? layer.DiskBytes : 0), 0),
    Added: files.added,
    Removed: files.removed,
    Changed: files.changed,
    Touched: files.touched,
    Differences: files.differences,
    Truncated: files.isTruncated,
    NotCompared: files.notCompared,
    Settings: compareSettings(first.image.document, second.image.document),
  };
}

/** Those of the first image, then those that only the second one has. */
function compareLayers(first: ComparedImage, second: ComparedImage): ImageComparisonLayer[] {
  const own = new Set(first.image.document.rootfs.diff_ids);
  const theirs = new Set(second.image.document.rootfs.diff_ids);
  const before = layersOf(first).map(
    (layer) => ({ ...layer, In: theirs.has(layer.DiffID) ? "both" : "first" }) as const,
  );
  const after = layersOf(second).flatMap((layer) =>
    own.has(layer.DiffID) ? [] : [{ ...layer, In: "second" } as const],
  );
  return [...before, ...after];
}

function layersOf({ image: { document }, diskBytes }: ComparedImage) {
  const instructions = buildSteps(document).flatMap((step) => (step.layer === undefined ? [] : [step.instruction]));
  return document.rootfs.diff_ids.map((diffID, position) => ({
    DiffID: diffID,
    Number: position + 1,
    DiskBytes: diskBytes[position]!,
    Instruction: instructions[position] ?? "",
  }));
}

function sideOf({ image, diskBytes }: ComparedImage): ImageComparisonSide {
  return {
    Id: image.id,
    RepoTags: image.tags.map(familiar),
    DiskBytes: diskBytes.reduce((sum, bytes) => sum + bytes, 0),
    FileBytes: image.sizeBytes,
  };
}
