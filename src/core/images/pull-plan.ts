/** Which of the manifests that a name leads to are pulled. */
import type { Descriptor, Platform } from "#api/oci";
import { Slots } from "#lib/async";
import { EngineError } from "#lib/errors";
import type { KeptManifest } from "./add.ts";
import { parseImageDocument } from "./document.ts";
import {
  attestedManifest,
  checkImageManifest,
  type IndexDocument,
  isImageManifest,
  type ManifestDocument,
} from "./manifest-document.ts";
import { platformRank, platformText } from "./platform.ts";
import type { Pull } from "./pull.ts";
import { fetchConfig, fetchListed, type PulledManifest } from "./pull-manifest.ts";

/** An index may hold indexes; real ones are two deep. */
const DEPTH_LIMIT = 4;
/** Manifests of one pull; of all platforms real images have some thirty. */
const MANIFESTS_LIMIT = 512;
/** So many are asked for at once. */
const MANIFESTS_AT_ONCE = 8;

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
export async function planPull(pull: Pull, root: PulledManifest): Promise<PullPlan> {
  if (!isIndex(root)) {
    const manifest = root as PulledManifest<ManifestDocument>;
    checkImageManifest(manifest.document);
    return { images: [{ manifest }], artifacts: [], indexes: [] };
  }
  if (pull.wanted.all) return await planAll(pull, root);
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
  if (depth > DEPTH_LIMIT) throw tooDeep();
  for (const entry of candidates(index.document, pull.wanted.platform)) {
    const manifest = await fetchListed(pull, entry);
    const choice = isIndex(manifest)
      ? await choose(pull, manifest, depth + 1)
      : await chooseImage(pull, manifest as PulledManifest<ManifestDocument>, entry);
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
    .slice(0, MANIFESTS_LIMIT)
    .map(({ entry }) => entry);
}

/** The index whole. Of several images for one platform the first is it, and the others are kept as they are. */
async function planAll(pull: Pull, root: PulledManifest<IndexDocument>): Promise<PullPlan> {
  const images = new Map<string, PlannedImage>();
  const artifacts: PulledManifest<ManifestDocument>[] = [];
  const indexes: KeptManifest[] = [];
  const slots = new Slots(() => MANIFESTS_AT_ONCE);
  let count = 0;
  const visit = async (index: PulledManifest<IndexDocument>, depth: number): Promise<void> => {
    if (depth > DEPTH_LIMIT) throw tooDeep();
    count += index.document.entries.length;
    if (count > MANIFESTS_LIMIT) throw tooMany();
    const listed = await Promise.all(index.document.entries.map((entry) => slots.run(() => fetchListed(pull, entry))));
    for (const [position, manifest] of listed.entries()) {
      const entry = index.document.entries[position] as Descriptor;
      if (isIndex(manifest)) await visit(manifest, depth + 1);
      else place(manifest as PulledManifest<ManifestDocument>, entry);
    }
    indexes.push({ bytes: index.bytes, entries: listed.map(({ digest }) => digest) });
  };
  const place = (manifest: PulledManifest<ManifestDocument>, entry: Descriptor) => {
    const platform = entry.platform && platformText(entry.platform);
    const key = platform ?? manifest.digest;
    const isOurs = (entry.platform?.os ?? pull.context.platform.os) === pull.context.platform.os;
    if (!isOurs || attestedManifest(entry) || images.has(key) || !isImageManifest(manifest.document)) {
      artifacts.push(manifest);
    } else {
      images.set(key, { manifest, ...(platform === undefined ? {} : { platform }) });
    }
  };
  await visit(root, 1);
  if (images.size === 0) throw noMatch(pull);
  return { images: [...images.values()], artifacts, indexes };
}

function isIndex(manifest: PulledManifest): manifest is PulledManifest<IndexDocument> {
  return manifest.document.kind === "index";
}

function noMatch({ wanted }: Pull): EngineError {
  return new EngineError("not-found", `no matching manifest for ${wanted.shown} in the manifest list entries`);
}

function tooDeep(): EngineError {
  return new EngineError("invalid-parameter", `index is more than ${DEPTH_LIMIT} deep`);
}

function tooMany(): EngineError {
  return new EngineError("invalid-parameter", `index has more than ${MANIFESTS_LIMIT} manifests`);
}
