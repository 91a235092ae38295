/** Configs and layers of a pull: everything is in the content store when this ends, and nothing is recorded but whole layers. */
import { progressText } from "#api/engine";
import { type Descriptor, hexOf } from "#api/oci";
import type { DiffID } from "#core/snapshots";
import { together } from "#lib/async";
import { EngineError, messageOf } from "#lib/errors";
import type { ImageContent, ImageSet, KeptManifest } from "./add.ts";
import type { LayerProgress } from "./context.ts";
import { parseImageDocument } from "./document.ts";
import type { ImageDocument, Progress } from "./image.ts";
import { isForeign, type ManifestDocument } from "./manifest-document.ts";
import type { Pull } from "./pull.ts";
import { fetchLayer, findHere, formOf, layersDoNotFit, type WantedLayer } from "./pull-layer.ts";
import { fetchConfig, type PulledManifest } from "./pull-manifest.ts";
import type { PlannedImage, PullPlan } from "./pull-plan.ts";
import type { StoredLayer } from "./records.ts";

export interface BroughtImages {
  readonly set: Pick<ImageSet, "images" | "forms"> & { readonly kept: readonly KeptManifest[] };
  /** Layers that came now, bottom first. */
  readonly fresh: readonly Descriptor[];
}

/** Brings all that a plan names and is not here. */
export async function bringImages(pull: Pull, plan: PullPlan): Promise<BroughtImages> {
  const brought: BroughtImage[] = [];
  const images = plan.images.map((image, index) => async (signal: AbortSignal) => {
    brought[index] = await bringImage({ ...pull, signal }, image);
  });
  const artifacts = plan.artifacts.map(
    (artifact) => (signal: AbortSignal) => bringArtifact({ ...pull, signal }, artifact),
  );
  await together([...images, ...artifacts], pull.signal);
  const fresh = brought.flatMap((image) => image.fresh);
  return {
    set: {
      images: brought.map((image) => image.content),
      forms: fresh.map(formOf),
      kept: [...plan.artifacts.map(({ bytes }) => ({ bytes })), ...plan.indexes],
    },
    fresh: fresh.map((layer) => layer.descriptor),
  };
}

/** A line about a layer, which goes by the digest under which the registry has it. */
export function layerMessage({ digest, size }: Descriptor, status: string, current?: number): Progress {
  const id = hexOf(digest).slice(0, 12);
  if (current === undefined) return { status, progressDetail: {}, id };
  const progressDetail = { current, total: size };
  return { status, progressDetail, progress: progressText(progressDetail), id };
}

interface BroughtImage {
  readonly content: ImageContent;
  readonly fresh: readonly ListedLayer[];
}

type ListedLayer = Omit<WantedLayer, "repository">;

/** An image that is here needs nothing, and nothing is said of its layers. */
async function bringImage(pull: Pull, { manifest, platform }: PlannedImage): Promise<BroughtImage> {
  const { context, lease } = pull;
  const id = manifest.document.config.digest;
  const common = { manifest: manifest.bytes, ...(platform === undefined ? {} : { platform }) };
  const record = context.records.find(id);
  if (record) {
    const layers = context.records.layers(id);
    for (const digest of [id, ...layers.map((layer) => layer.diffID)]) lease.add(digest);
    if (layers.length !== manifest.document.layers.length) throw layersDoNotFit();
    const config = await context.content.read(id);
    return { content: { ...common, config, document: record.document, layers }, fresh: [] };
  }
  const config = await fetchConfig(pull, manifest.document.config);
  const document = readDocument(config, context.platform.os);
  const { layers, fresh } = await bringLayers(pull, pairLayers(manifest.document, document));
  return { content: { ...common, config, document, layers }, fresh };
}

/** dockerd's words. */
function readDocument(config: Uint8Array, os: string): ImageDocument {
  const document = parseDocument(config);
  if (document.os === "" || document.os === os) return document;
  throw new EngineError(
    "invalid-parameter",
    `image operating system "${document.os}" cannot be used on this platform: operating system is not supported`,
  );
}

function parseDocument(config: Uint8Array): ImageDocument {
  try {
    return parseImageDocument(config);
  } catch (error) {
    if (!/rootfs/i.test(messageOf(error))) throw error;
    throw new EngineError("invalid-parameter", "invalid rootfs in image configuration", { cause: error });
  }
}

function pairLayers({ layers }: ManifestDocument, { rootfs }: ImageDocument): ListedLayer[] {
  if (layers.length !== rootfs.diff_ids.length) throw layersDoNotFit();
  return layers.map((descriptor, index) => ({ descriptor, diffID: rootfs.diff_ids[index] as DiffID }));
}

/** Says first of all layers whether they come, then how they do. */
async function bringLayers(
  pull: Pull,
  listed: readonly ListedLayer[],
): Promise<{ layers: StoredLayer[]; fresh: ListedLayer[] }> {
  const { context, lease, report, repository } = pull;
  const found = listed.map((layer) => {
    const here = findHere(context, layer, lease);
    report(layerMessage(layer.descriptor, here ? "Already exists" : "Pulling fs layer"));
    return here;
  });
  const fetching = listed.map((layer, index) => async (signal: AbortSignal): Promise<StoredLayer> => {
    const here = found[index];
    if (here) return here;
    const tell = (progress: LayerProgress) => report(progressMessage(layer.descriptor, progress));
    return await fetchLayer(context, { ...layer, repository }, { lease, signal, report: tell });
  });
  const layers = await together(fetching, pull.signal);
  return { layers, fresh: listed.filter((_, index) => !found[index]) };
}

const STATUS = { waiting: "Waiting", verifying: "Verifying Checksum", complete: "Download complete" } as const;

function progressMessage(descriptor: Descriptor, progress: LayerProgress): Progress {
  if (progress.phase === "downloading") return layerMessage(descriptor, "Downloading", progress.current);
  return layerMessage(descriptor, STATUS[progress.phase]);
}

/** The blobs of what is kept as it is, but for layers that no registry has. */
async function bringArtifact(pull: Pull, { digest, document }: PulledManifest<ManifestDocument>): Promise<void> {
  const { context, repository, lease } = pull;
  const blobs = [document.config, ...document.layers].filter((blob) => !isForeign(blob));
  const known = context.records.manifests.find(digest);
  if (known && known.imageID === undefined) {
    for (const blob of blobs) lease.add(blob.digest);
    return;
  }
  const bring = (blob: Descriptor) => (signal: AbortSignal) =>
    context.transfers.downloads.run(
      () => context.content.write(repository.blob(blob, { signal }), { digest: blob.digest, size: blob.size, lease }),
      signal,
    );
  await together(blobs.map(bring), pull.signal);
}
