/** Which of the manifests that a name leads to are pulled. */
import type { Descriptor, Platform } from "#api/oci";
import { EngineError } from "#lib/errors";
import type { KeptManifest } from "./add.ts";
import { parseImageDocument } from "./document.ts";
import {
  checkImageManifest,
  INDEX_DEPTH_LIMIT,
  type IndexDocument,
  isImageManifest,
  type ManifestDocument,
} from "./manifest-document.ts";
import { platformRank, platformText } from "./platform.ts";
import type { Pull } from "./pull.ts";
import { type AnyManifest, fetchConfig, fetchListed, isIndex, type PulledManifest } from "./pull-manifest.ts";
import { indexTooDeep, planWhole } from "./pull-whole.ts";

/** So many entries without a platform are looked into for theirs. */
const LOOKS_LIMIT = 32;

export interface PlannedImage {
  readonly manifest: PulledManifest<ManifestDocument>;
  /** As its index says it; undefined where that says nothing. */
  readonly platform?: string;
}

export interface PullPlan {
  readonly images: readonly PlannedImage[];
  /** What is kept as it is, with its blobs: attestations, artifacts, images for other systems. */
  readonly artifacts: readonly PulledManifest<ManifestDocument>[];
  /** Each after what it lists. */
  readonly indexes: readonly KeptManifest[];
}

/** @throws `not-found` "no matching manifest for …"; `invalid-parameter` for what is no image */
export async function planPull(pull: Pull, root: AnyManifest): Promise<PullPlan> {
  if (!isIndex(root)) {
    checkImageManifest(root.document);
    return { images: [{ manifest: root }], artifacts: [], indexes: [] };
  }
  if (pull.wanted.all) {
    const whole = await planWhole(pull, root);
    if (whole.images.length === 0) throw noMatch(pull);
    return whole;
  }
  const chosen = await choose(pull, root, 1);
  if (!chosen) throw noMatch(pull);
  checkImageManifest(chosen.image.manifest.document);
  return { images: [chosen.image], artifacts: [], indexes: chosen.indexes };
}

interface Choice {
  readonly image: PlannedImage;
  readonly indexes: readonly KeptManifest[];
}

async function choose(pull: Pull, index: PulledManifest<IndexDocument>, depth: number): Promise<Choice | undefined> {
  if (depth > INDEX_DEPTH_LIMIT) throw indexTooDeep();
  for (const entry of candidates(index.document, pull.wanted.platform)) {
    const manifest = await fetchListed(pull, entry);
    const choice = isIndex(manifest)
      ? await choose(pull, manifest, depth + 1)
      : await chooseImage(pull, manifest, entry);
    if (!choice) continue;
    return { ...choice, indexes: [...choice.indexes, { bytes: index.bytes, entries: [manifest.digest] }] };
  }
  return undefined;
}

/** What the index says nothing about says itself for which platform it is. */
async function chooseImage(
  pull: Pull,
  manifest: PulledManifest<ManifestDocument>,
  entry: Descriptor,
): Promise<Choice | undefined> {
  if (entry.platform) return { image: { manifest, platform: platformText(entry.platform) }, indexes: [] };
  if (!isImageManifest(manifest.document)) return undefined;
  const document = parseImageDocument(await fetchConfig(pull, manifest.document.config));
  const isRunnable = platformRank(platformText(document), pull.wanted.platform) !== undefined;
  return isRunnable ? { image: { manifest }, indexes: [] } : undefined;
}

/** The entries that may fit, the best first; those without a platform at the end. */
function candidates({ entries }: IndexDocument, wanted: Platform): Descriptor[] {
  const ranked = entries.flatMap((entry) => {
    if (!entry.platform) return [{ entry, rank: Number.MAX_SAFE_INTEGER }];
    const rank = platformRank(platformText(entry.platform), wanted);
    return rank === undefined ? [] : [{ entry, rank }];
  });
  return ranked
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, LOOKS_LIMIT)
    .map(({ entry }) => entry);
}

function noMatch({ wanted }: Pull): EngineError {
  return new EngineError("not-found", `no matching manifest for ${wanted.shown} in the manifest list entries`);
}
