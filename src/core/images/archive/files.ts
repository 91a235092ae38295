/**
 * What an archive consists of: a Docker archive (`manifest.json`, `repositories`) and an OCI image layout (`oci-layout`,
 * `index.json`, `blobs/`) in one, laid out as by Docker 28.
 */
import { familiarName, familiarReference, formatReference, type Reference } from "#api/distribution";
import {
  ANNOTATIONS,
  type Descriptor,
  type Digest,
  hexOf,
  type Index,
  type Manifest,
  MEDIA_TYPES,
  type Platform,
} from "#api/oci";
import { digestOf } from "#core/content";
import { createdNano } from "../created.ts";
import type { ImageDocument, ImageID } from "../image.ts";
import type { StoredLayer } from "../records.ts";

/** One file of the archive: bytes at hand or a blob of the content store. */
export interface ArchiveFile {
  readonly size: number;
  /** Its time, since 1970. */
  readonly seconds: number;
  readonly source: Uint8Array | Digest;
}

export interface SavedImage {
  readonly id: ImageID;
  readonly document: ImageDocument;
  readonly configBytes: number;
  /** They go in as they are kept, uncompressed. */
  readonly layers: readonly StoredLayer[];
  readonly manifest: Uint8Array;
}

/** Images that go in under the same names. */
export interface SavedSet {
  readonly tags: readonly Reference[];
  /** The first is the one that those see who know no platforms. */
  readonly images: readonly SavedImage[];
  /** That lists the images, where there are several. */
  readonly index?: Uint8Array;
  /** What the index lists besides images: manifests and their blobs, with their sizes. */
  readonly artifacts: readonly { readonly digest: Digest; readonly size: number }[];
}

/** All files under the names they have in the archive, sorted; a blob that images share is there once. */
export function filesOf(sets: readonly SavedSet[]): [string, ArchiveFile][] {
  const blobs = new Map<string, ArchiveFile>();
  for (const { images, index, artifacts } of sets) {
    for (const image of images) for (const [name, file] of blobsOf(image)) blobs.set(name, file);
    for (const { digest, size } of artifacts) blobs.set(blobPath(digest), { size, seconds: 0, source: digest });
    if (index) blobs.set(blobPath(digestOf(index)), document(index));
  }
  return [
    ...[...blobs].sort(([a], [b]) => (a < b ? -1 : 1)),
    ["index.json", document(JSON.stringify(topIndex(sets)))],
    ["manifest.json", document(`${JSON.stringify(sets.map(manifestItem))}\n`)],
    ["oci-layout", document('{"imageLayoutVersion": "1.0.0"}')],
    ...repositoriesFile(sets),
  ];
}

/** A manifest of an image with its layers uncompressed. */
export function makeManifest(image: Omit<SavedImage, "manifest" | "document">): Uint8Array {
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: { mediaType: MEDIA_TYPES.ociConfig, digest: image.id, size: image.configBytes },
    layers: image.layers.map(layerDescriptor),
  };
  return Buffer.from(JSON.stringify(manifest));
}

/** An index of images. */
export function makeIndex(images: readonly SavedImage[]): Uint8Array {
  const manifests = images.map((image) => ({ ...manifestDescriptor(image), platform: platformOf(image.document) }));
  const index: Index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests };
  return Buffer.from(JSON.stringify(index));
}

function* blobsOf(image: SavedImage): Generator<[string, ArchiveFile]> {
  const { id, document: config, configBytes, layers, manifest } = image;
  const seconds = Number(createdNano(config) / 1_000_000_000n);
  yield [blobPath(id), { size: configBytes, seconds, source: id }];
  yield [blobPath(digestOf(manifest)), document(manifest)];
  for (const { diffID, blobBytes } of layers) yield [blobPath(diffID), { size: blobBytes, seconds, source: diffID }];
}

function topIndex(sets: readonly SavedSet[]): Index {
  const manifests = sets.flatMap((set): Descriptor[] => {
    const descriptor = set.index ? indexDescriptor(set.index) : manifestDescriptor(defaultImage(set));
    if (set.tags.length === 0) return [descriptor];
    return set.tags.map((tag) => ({
      ...descriptor,
      annotations: { [ANNOTATIONS.imageName]: formatReference(tag), [ANNOTATIONS.refName]: tag.tag ?? "" },
    }));
  });
  return { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests };
}

function manifestDescriptor({ manifest }: SavedImage): Descriptor {
  return { mediaType: MEDIA_TYPES.ociManifest, digest: digestOf(manifest), size: manifest.byteLength };
}

function indexDescriptor(index: Uint8Array): Descriptor {
  return { mediaType: MEDIA_TYPES.ociIndex, digest: digestOf(index), size: index.byteLength };
}

function layerDescriptor(layer: StoredLayer): Descriptor {
  return { mediaType: MEDIA_TYPES.ociLayer, digest: layer.diffID, size: layer.blobBytes };
}

/** Another order of fields: with both orders as dockerd has them, archives are the same byte for byte. */
function layerSource(layer: StoredLayer): Descriptor {
  return { mediaType: MEDIA_TYPES.ociLayer, size: layer.blobBytes, digest: layer.diffID };
}

function manifestItem(set: SavedSet): Record<string, unknown> {
  const { id, layers } = defaultImage(set);
  return {
    Config: blobPath(id),
    RepoTags: set.tags.length > 0 ? set.tags.map(familiarReference) : null,
    Layers: layers.map((layer) => blobPath(layer.diffID)),
    LayerSources: Object.fromEntries(layers.map((layer) => [layer.diffID, layerSource(layer)])),
  };
}

/** What very old readers look at: the topmost layer of each tag. */
function repositoriesFile(sets: readonly SavedSet[]): [string, ArchiveFile][] {
  const repositories: Record<string, Record<string, string>> = {};
  for (const set of sets) {
    const top = defaultImage(set).layers.at(-1);
    for (const tag of top ? set.tags : []) {
      const name = familiarName(tag);
      repositories[name] = { ...repositories[name], [tag.tag ?? ""]: hexOf(top?.diffID as Digest) };
    }
  }
  if (Object.keys(repositories).length === 0) return [];
  return [["repositories", document(`${JSON.stringify(repositories)}\n`)]];
}

function defaultImage({ images }: SavedSet): SavedImage {
  return images[0] as SavedImage;
}

function platformOf({ os, architecture, variant }: ImageDocument): Platform {
  return { architecture, os, ...(variant ? { variant } : {}) };
}

function document(content: string | Uint8Array): ArchiveFile {
  const bytes = Buffer.from(content);
  return { size: bytes.byteLength, seconds: 0, source: bytes };
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}
