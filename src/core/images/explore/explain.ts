import type { ImageChangeList, ImageExplanation, ImageLayer, ImageSharing } from "#api/engine";
import type { FileTree } from "#core/snapshots";
import { EngineError } from "#lib/errors";
import { textOf } from "#lib/fs";
import type { Image } from "../image.ts";
import { familiar } from "../lookup.ts";
import type { Change } from "./changes.ts";
import type { ImageChanges } from "./image-changes.ts";
import { buildSteps } from "./instructions.ts";
import { outlineOf } from "./outline.ts";
import { pathHistory } from "./path-history.ts";
import { explainProgram } from "./program.ts";
import { totalsOf } from "./totals.ts";
import { worstWaste } from "./waste.ts";
import { imageChange, platformOf } from "./wire.ts";
import { explainWorkingDirectory } from "./working-directory.ts";

/** Of one layer in one answer: about 200 bytes each beside their paths … */
const MAX_LISTED = 200_000;
/** … which may be long. */
const MAX_LISTED_PATH_BYTES = 32 * 1024 * 1024;
/** Images that share something are told up to here. */
const MAX_SHARING = 20;

export interface ExplainInput {
  readonly image: Image;
  /** Every image here. */
  readonly others: readonly Image[];
  readonly changes: ImageChanges;
  readonly tree: FileTree;
  /** Bytes of each layer's tar. */
  readonly diskBytes: readonly number[];
  /** List all that this layer did; from 1. */
  readonly layer?: number;
  /** Tell what became of this path. */
  readonly path?: string;
}

/** @throws EngineError `invalid-parameter` for a layer that the image does not have, or a path in circles */
export async function explainImage(input: ExplainInput): Promise<ImageExplanation> {
  const { image, changes, tree, diskBytes, layer, path } = input;
  const { document } = image;
  const config = document.config ?? {};
  const steps = buildSteps(document);
  const instructions = steps.flatMap((step) => (step.layer === undefined ? [] : [step.instruction]));
  const layerBytes = sum(image.layerBytes);
  const wastedBytes = sum(changes.wastedBytes);
  return {
    Id: image.id,
    RepoTags: image.tags.map(familiar),
    RepoDigests: image.digests.map(familiar),
    Platform: platformOf(document),
    Created: document.created ?? "",
    Author: document.author ?? "",
    Config: config,
    Steps: steps.map((step) => ({
      Instruction: step.instruction,
      Created: step.created,
      Comment: step.comment,
      ...(step.layer !== undefined && { Layer: step.layer + 1 }),
    })),
    Layers: document.rootfs.diff_ids.map((_, position) => explainLayer(input, position, instructions)),
    Files: totalsOf(changes.visible()),
    ...largestFile(changes),
    LayerBytes: layerBytes,
    DiskBytes: sum(diskBytes),
    WastedBytes: wastedBytes,
    Efficiency: layerBytes === 0 ? 1 : Math.max(0, 1 - wastedBytes / layerBytes),
    Wasted: worstWaste(changes),
    Program: await explainProgram({ tree, config, layerOf: (file) => changes.layerOf(file) + 1 }),
    WorkingDirectory: explainWorkingDirectory(tree, changes, config.WorkingDir || "/"),
    SharedWith: sharingOf(input),
    ...(layer !== undefined && { Changes: changesOf(changes, layer) }),
    ...(path !== undefined && { Path: pathHistory({ tree, changes, path, instructions }) }),
  };
}

function explainLayer(input: ExplainInput, position: number, instructions: readonly string[]): ImageLayer {
  const { image, changes, diskBytes } = input;
  const own = changes.layers[position]!;
  const of = (kind: "added" | "changed" | "deleted") => totalsOf(own.filter((change) => change.kind === kind));
  return {
    Number: position + 1,
    DiffID: image.document.rootfs.diff_ids[position]!,
    Instruction: instructions[position] ?? "",
    DiskBytes: diskBytes[position]!,
    FileBytes: image.layerBytes[position]!,
    Added: of("added"),
    Changed: of("changed"),
    Deleted: of("deleted"),
    WastedBytes: changes.wastedBytes[position]!,
    Outline: outlineOf(own),
  };
}

function changesOf({ layers }: ImageChanges, layer: number): ImageChangeList {
  const changes = layers[layer - 1];
  if (changes === undefined) {
    const range = layers.length === 0 ? "none" : layers.length === 1 ? "one, 1" : `1 to ${layers.length}`;
    throw new EngineError("invalid-parameter", `no such layer: ${layer} (the image has ${range})`);
  }
  let pathBytes = 0;
  const isListed = ({ path }: Change, position: number) => {
    pathBytes += path.length;
    return position < MAX_LISTED && pathBytes <= MAX_LISTED_PATH_BYTES;
  };
  const listed = changes.filter(isListed).map(imageChange);
  return { Layer: layer, Changes: listed, Truncated: changes.length > listed.length };
}

function largestFile(changes: ImageChanges): Pick<ImageExplanation, "LargestFile"> {
  let largest: Change | undefined;
  for (const change of changes.visible()) if (change.sizeBytes > (largest?.sizeBytes ?? 0)) largest = change;
  if (largest === undefined) return {};
  return { LargestFile: { Path: textOf(largest.path), Bytes: largest.sizeBytes, Layer: largest.layer + 1 } };
}

/** Other images with layers of this one, those with most of it first. */
function sharingOf({ image, others, diskBytes }: ExplainInput): ImageSharing[] {
  const layers = image.document.rootfs.diff_ids;
  const shared = others.flatMap((other): ImageSharing[] => {
    if (other.id === image.id) return [];
    const theirs = new Set(other.document.rootfs.diff_ids);
    const common = layers.flatMap((diffID, position) => (theirs.has(diffID) ? [position] : []));
    if (common.length === 0) return [];
    const [name] = other.tags;
    return [
      {
        Image: name === undefined ? other.id : familiar(name),
        Layers: common.map((position) => position + 1),
        DiskBytes: sum(common.map((position) => diskBytes[position]!)),
      },
    ];
  });
  return shared.sort((a, b) => b.DiskBytes - a.DiskBytes || (a.Image < b.Image ? -1 : 1)).slice(0, MAX_SHARING);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
