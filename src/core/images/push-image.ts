/** One image of a push, with the manifest it came with or one of our own. */
import { type Descriptor, type Digest, MEDIA_TYPES } from "#api/oci";
import { together } from "#lib/async";
import { EngineError } from "#lib/errors";
import { compressLayer, ownForm } from "./compress/compress-layer.ts";
import { noSuchImage } from "./errors.ts";
import type { LayerForm } from "./form-records.ts";
import type { ImageID } from "./image.ts";
import { type ManifestDocument, parseManifest } from "./manifest-document.ts";
import type { Push } from "./push.ts";
import { type OutgoingBlob, sendBlob, sendBlobs, shownLayer, sourcesAt } from "./push-blob.ts";
import type { StoredLayer } from "./records.ts";

/** A manifest or index whose parts are all at the registry. */
export interface PushedManifest {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** Digests of all that it needs. */
  readonly parts: readonly Digest[];
}

/** Brings all parts of an image to the registry; its manifest is still to be put. `preferred` is the manifest that it should go with. */
export async function pushImageParts(push: Push, id: ImageID, preferred?: Digest): Promise<PushedManifest> {
  const { records } = push.context;
  const record = records.find(id);
  if (!record) throw noSuchImage(id);
  const layers = records.layers(id);
  for (const digest of [id, ...layers.map((layer) => layer.diffID)]) push.lease.add(digest);
  prepareLines(push, layers);
  const original = preferred ?? record.manifest;
  const pushed = original && (await pushOriginal(push, original, layers));
  return pushed ?? (await pushOwn(push, id, layers));
}

/** Docker begins with the topmost layer. */
export function prepareLines({ report }: Push, layers: readonly StoredLayer[]): void {
  for (const layer of layers.toReversed()) {
    report({ status: "Preparing", progressDetail: {}, id: shownLayer(layer) });
  }
}

/**
 * With the very manifest that a registry gave us, if the layers can be had in the form that it lists. One that came with an archive
 * of uncompressed layers is of no use to a registry.
 */
export async function pushOriginal(
  push: Push,
  digest: Digest,
  layers: readonly StoredLayer[],
): Promise<PushedManifest | undefined> {
  const { context, lease } = push;
  const manifest = context.records.manifests.find(digest);
  if (!manifest) return undefined;
  lease.add(digest);
  const bytes = await context.content.read(digest);
  const document = parseManifest(bytes, manifest.mediaType) as ManifestDocument;
  const isFromRegistry = context.records.forms.sources(digest).length > 0;
  const isCompressed = document.layers.every((layer, index) => layer.digest !== layers[index]?.diffID);
  if (document.layers.length !== layers.length || !(isFromRegistry || isCompressed)) return undefined;
  const blobs: OutgoingBlob[] = document.layers.map((descriptor, index) => {
    const layer = layers[index] as StoredLayer;
    return { descriptor, layer, shown: shownLayer(layer) };
  });
  const isWhole = await sendBlobs(push, [...blobs.toReversed(), { descriptor: document.config }]);
  if (!isWhole) return undefined;
  const parts = [document.config, ...document.layers].map((blob) => blob.digest);
  return { digest, bytes, mediaType: manifest.mediaType, parts };
}

async function pushOwn(push: Push, id: ImageID, layers: readonly StoredLayer[]): Promise<PushedManifest> {
  const { content, records } = push.context;
  const config = { mediaType: MEDIA_TYPES.dockerConfig, digest: id, size: await content.size(id) };
  const sendConfig = async (signal: AbortSignal) => void (await sendBlob({ ...push, signal }, { descriptor: config }));
  const forms: LayerForm[] = [];
  const sendLayers = layers
    .map((layer, index) => async (signal: AbortSignal) => {
      forms[index] = await sendLayer({ ...push, signal }, layer);
    })
    .toReversed();
  await together([...sendLayers, sendConfig], push.signal);
  const { bytes, mediaType } = makeManifest(config, forms);
  const digest = await content.put(bytes, push.lease);
  const parts = [id, ...forms.map((form) => form.digest)];
  records.transaction(() => {
    // It may have been removed while it was sent.
    if (!records.find(id)) return;
    records.manifests.add({ digest, mediaType, bytes: bytes.byteLength, imageID: id, blobs: parts });
    records.setManifest(id, digest);
  });
  return { digest, bytes, mediaType, parts };
}

/** In a form that the registry has, or can be had there without sending it; else in the form that we make. */
async function sendLayer(push: Push, layer: StoredLayer): Promise<LayerForm> {
  const { context, lease, signal, repository } = push;
  const { records } = context;
  const isNear = ({ digest }: LayerForm) =>
    records.forms.sources(digest).includes(repository.name) || sourcesAt(records, repository.name, digest).length > 0;
  const own = ownForm(context, layer);
  const near = records.forms.ofLayer(layer.diffID).filter((form) => !form.isOwn && isNear(form));
  for (const form of [...near, ...(own ? [own] : [])]) {
    if (await sendBlob(push, outgoing(layer, form))) return form;
  }
  const made = await compressLayer(context, layer, { lease, signal });
  if (await sendBlob(push, outgoing(layer, made))) return made;
  throw new EngineError("internal", `push layer ${layer.diffID}: its compressed form ${made.digest} has gone`);
}

function outgoing(layer: StoredLayer, form: LayerForm): OutgoingBlob {
  const descriptor = { mediaType: form.mediaType, digest: form.digest, size: form.bytes };
  return { descriptor, layer, shown: shownLayer(layer) };
}

/** Docker's, which every registry and client takes; OCI's where a layer is in a form that Docker's has no word for. */
function makeManifest(config: Descriptor, forms: readonly LayerForm[]): { bytes: Uint8Array; mediaType: string } {
  const isGzip = ({ mediaType }: LayerForm) => /gzip$/.test(mediaType);
  const isDocker = forms.every(isGzip);
  const mediaType = isDocker ? MEDIA_TYPES.dockerManifest : MEDIA_TYPES.ociManifest;
  const layers = forms.map((form) => ({
    mediaType: isDocker ? MEDIA_TYPES.dockerLayerGzip : inOciWords(form.mediaType),
    size: form.bytes,
    digest: form.digest,
  }));
  const configType = isDocker ? MEDIA_TYPES.dockerConfig : MEDIA_TYPES.ociConfig;
  const document = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: configType, size: config.size, digest: config.digest },
    layers,
  };
  return { bytes: Buffer.from(JSON.stringify(document, null, 3)), mediaType };
}

function inOciWords(mediaType: string): string {
  if (/gzip$/.test(mediaType)) return MEDIA_TYPES.ociLayerGzip;
  return /zstd$/.test(mediaType) ? MEDIA_TYPES.ociLayerZstd : MEDIA_TYPES.ociLayer;
}
