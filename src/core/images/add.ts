import { familiarName, formatReference, type Reference, type RepositoryName } from "#api/distribution";
import type { Digest } from "#api/oci";
import { digestOf, type Lease } from "#core/content";
import { chainIDOf, type DiffID } from "#core/snapshots";
import { together } from "#lib/async";
import { EngineError } from "#lib/errors";
import { formatNano } from "#lib/time";
import { type ImagesContext, nowMsOf } from "./context.ts";
import type { LayerForm } from "./form-records.ts";
import type { ImageDocument, ImageID } from "./image.ts";
import { type IndexDocument, type ManifestDocument, parseManifest } from "./manifest-document.ts";
import { byPlatform, platformText } from "./platform.ts";
import type { PlatformImage, StoredLayer } from "./records.ts";

/** An image whose layers are in the content store under the caller's lease, and fit its document. */
export interface ImageContent {
  readonly config: Uint8Array;
  readonly document: ImageDocument;
  readonly layers: readonly StoredLayer[];
  /** The manifest it came with. */
  readonly manifest?: Uint8Array;
  /** The image that it was committed over. */
  readonly parent?: ImageID;
  /** What its index says of it (`platformText`), which may be more than its document says. */
  readonly platform?: string;
}

export interface CompleteImage extends ImageContent {
  readonly names: readonly Reference[];
}

/** An index, or a manifest that is no image of this engine: kept as it is. */
export interface KeptManifest {
  readonly bytes: Uint8Array;
  /** Of an index: those manifests of its list that are kept. */
  readonly entries?: readonly Digest[];
}

/** Images of the same names for several platforms, with all that belongs to them. */
export interface ImageSet {
  readonly images: readonly ImageContent[];
  readonly names: readonly Reference[];
  /** What the names stand for: the digest of a manifest that is given here, or kept already. */
  readonly target?: Digest;
  /** Each index after what it lists. The blobs of the others are in the content store under the caller's lease. */
  readonly kept?: readonly KeptManifest[];
  /** Forms in which layers of these images were seen, verified. */
  readonly forms?: readonly Omit<LayerForm, "isCached">[];
  /** A repository that has all of it. */
  readonly source?: RepositoryName;
}

export interface AddedImage {
  readonly id: ImageID;
  /** Its new names, and which other image had one before. */
  readonly names: readonly NewName[];
}

interface NewName {
  readonly reference: Reference;
  readonly previous?: ImageID;
}

/** What `body` writes under the lease is recorded when it ends, or is garbage. */
export async function withLease<T>(context: ImagesContext, body: (lease: Lease) => Promise<T>): Promise<T> {
  try {
    using lease = context.content.lease();
    return await body(lease);
  } finally {
    context.garbage();
  }
}

/**
 * Makes a record of an image, the data first: config and manifest as blobs, the chain ready to mount. An image that
 * is here already gets the names.
 */
export async function addImage(context: ImagesContext, image: CompleteImage, lease: Lease): Promise<AddedImage> {
  const { ids, names } = await addImages(context, { images: [image], names: image.names }, lease);
  const id = ids[0] as ImageID;
  if (names.length > 0) markTagged(context, id);
  return { id, names };
}

/**
 * The same for several images, all or none of them. Only the one that suits this machine best is made ready to mount: the others
 * are when a container needs them.
 */
export async function addImages(
  context: ImagesContext,
  set: ImageSet,
  lease: Lease,
): Promise<{ readonly ids: readonly ImageID[]; readonly names: readonly NewName[] }> {
  const images = set.images.map((image) => ({
    ...image,
    id: digestOf(image.config),
    platform: image.platform ?? platformText(image.document),
  }));
  const documents = [...images.flatMap((image) => image.manifest ?? []), ...(set.kept ?? []).map((kept) => kept.bytes)];
  const diffIDs = byPlatform(images, context.platform)[0]?.layers.map((layer) => layer.diffID) ?? [];
  using _pending = protectChain(context, diffIDs);
  const blobs = [...images.map((image) => image.config), ...documents];
  await together<unknown>([
    () => context.snapshots.prepareChain(diffIDs),
    ...blobs.map((bytes) => () => context.content.put(bytes, lease)),
  ]);
  const names = context.records.transaction(() => {
    for (const image of images) record(context, image);
    for (const { bytes, entries } of set.kept ?? []) recordManifest(context, bytes, { ...(entries && { entries }) });
    for (const form of set.forms ?? []) context.records.forms.add(form);
    if (set.source) recordSource(context, set.source, documents);
    return set.names.map((reference) => ({ reference, ...setName(context, reference, { ...set, images }) }));
  });
  return { ids: images.map((image) => image.id), names };
}

/**
 * Gives images a name; says which other image had it.
 *
 * @throws `invalid-parameter` for a name that could be taken for an image's ID
 */
export function setName(
  context: ImagesContext,
  reference: Reference,
  value: { readonly images: readonly PlatformImage[]; readonly target?: Digest },
): { previous?: ImageID } {
  if (familiarName(reference) === "sha256") {
    throw new EngineError("invalid-parameter", "refusing to create an ambiguous tag using digest algorithm as name");
  }
  const { records } = context;
  const previous = records.findByName(formatReference(reference));
  records.setName(reference, value);
  return previous === undefined || value.images.some(({ id }) => id === previous) ? {} : { previous };
}

/** Names that come with a pull or from an archive do not count, as with Docker. */
export function markTagged({ records, clock }: ImagesContext, id: ImageID): void {
  records.setTagTime(id, formatNano(clock.nowNano()));
}

function record({ records }: ImagesContext, image: ImageContent & { readonly id: ImageID }): void {
  const { id, document, layers, manifest, parent } = image;
  records.add({
    id,
    document,
    layers,
    ...(manifest ? { manifest: digestOf(manifest) } : {}),
    ...(parent ? { parent } : {}),
  });
  if (manifest) recordManifest({ records }, manifest, { imageID: id });
}

function recordManifest(
  { records }: Pick<ImagesContext, "records">,
  bytes: Uint8Array,
  belongs: { readonly imageID?: ImageID; readonly entries?: readonly Digest[] },
): void {
  const document = parseManifest(bytes);
  records.manifests.add({
    digest: digestOf(bytes),
    mediaType: document.mediaType,
    bytes: bytes.byteLength,
    blobs: blobsOf(document),
    ...belongs,
  });
}

/** Whoever has a manifest has all that it lists. */
function recordSource(context: ImagesContext, source: RepositoryName, documents: readonly Uint8Array[]): void {
  const listed = documents.flatMap((bytes) => [digestOf(bytes), ...blobsOf(parseManifest(bytes))]);
  const nowMs = nowMsOf(context);
  for (const digest of new Set(listed)) context.records.forms.addSource(digest, source, nowMs);
}

function blobsOf(document: IndexDocument | ManifestDocument): Digest[] {
  return document.kind === "index" ? [] : [document.config, ...document.layers].map(({ digest }) => digest);
}

/** The collector spares the chain until the record is there. */
function protectChain({ pendingChains }: ImagesContext, diffIDs: readonly DiffID[]): Disposable {
  const chain = chainIDOf(diffIDs);
  pendingChains.set(chain, (pendingChains.get(chain) ?? 0) + 1);
  return {
    [Symbol.dispose]: () => {
      const left = (pendingChains.get(chain) ?? 1) - 1;
      if (left > 0) pendingChains.set(chain, left);
      else pendingChains.delete(chain);
    },
  };
}
