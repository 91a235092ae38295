/**
 * The verb `save`: a tar that is a Docker archive (`manifest.json`, `repositories`) and an OCI image layout
 * (`oci-layout`, `index.json`, `blobs/`) in one, laid out as by Docker 28. Layers go in as they are kept, uncompressed.
 */
import {
  familiarName,
  familiarReference,
  formatReference,
  parseDigestOrReference,
  parseReference,
  type Reference,
  repositoryOf,
} from "#api/distribution";
import { ANNOTATIONS, type Descriptor, type Digest, hexOf, type Index, type Manifest, MEDIA_TYPES } from "#api/oci";
import { digestOf } from "#core/content";
import { EngineError } from "#lib/errors";
import { byteString } from "#lib/fs";
import { TAR_END, tarHeader, tarPadding } from "#lib/tar";
import { blobsOfManifest } from "./archive/oci.ts";
import type { ImagesContext } from "./context.ts";
import { createdNano } from "./created.ts";
import type { ImageID } from "./image.ts";
import { emitImageEvent } from "./image-event.ts";
import { findImage } from "./lookup.ts";
import type { ImageRecord, StoredLayer } from "./records.ts";

/** One file of the archive: bytes at hand or a blob of the content store. */
interface ArchiveFile {
  readonly size: number;
  readonly seconds: number;
  readonly source: Uint8Array | Digest;
}

interface SavedImage {
  readonly record: ImageRecord;
  readonly layers: readonly StoredLayer[];
  readonly tags: readonly Reference[];
  readonly configBytes: number;
  readonly manifest: Uint8Array;
}

/** @throws `not-found` before anything is streamed */
export async function saveImages(
  context: ImagesContext,
  references: readonly string[],
): Promise<AsyncIterable<Uint8Array>> {
  const images: SavedImage[] = [];
  for (const [id, tags] of chooseImages(context, references)) images.push(await describe(context, { id, tags }));
  return stream(context, images);
}

async function* stream(context: ImagesContext, images: readonly SavedImage[]): AsyncGenerator<Uint8Array> {
  // Taken here and not before: a stream that nobody reads must not hold anything.
  using lease = context.content.lease();
  for (const { record, layers } of images) for (const blob of blobsOf(record, layers)) lease.add(blob);
  for (const name of ["blobs/", "blobs/sha256/"]) {
    yield tarHeader({ type: "directory", name: byteString(name), mode: 0o755 });
  }
  for (const [name, file] of filesOf(images)) {
    yield tarHeader({
      type: "file",
      name: byteString(name),
      mode: 0o644,
      size: file.size,
      modified: { seconds: file.seconds, nanoseconds: 0 },
    });
    if (typeof file.source === "string") yield* context.content.open(file.source) as AsyncIterable<Uint8Array>;
    else yield file.source;
    yield tarPadding(file.size);
  }
  yield TAR_END;
  for (const { record } of images) emitImageEvent(context, record.id, "save");
}

/**
 * A repository without a tag means all its tags; anything else means one image, and a tag goes into the archive only
 * when it was asked for.
 */
function chooseImages({ records }: ImagesContext, references: readonly string[]): Map<ImageID, Reference[]> {
  const chosen = new Map<ImageID, Reference[]>();
  const add = (id: ImageID, tag?: Reference) => {
    const tags = chosen.get(id) ?? [];
    chosen.set(id, tags);
    if (tag && !tags.some((known) => formatReference(known) === formatReference(tag))) tags.push(tag);
  };
  for (const text of references) {
    const parsed = parseDigestOrReference(text);
    const all = typeof parsed !== "string" && !parsed.tag && !parsed.digest ? records.tagsOf(repositoryOf(parsed)) : [];
    for (const { name, id } of all) add(id, parseReference(name));
    if (all.length > 0) continue;
    const id = findImage(records, text);
    if (id === undefined) throw notSaved(text, parsed);
    add(id, typeof parsed !== "string" && records.findByName(formatReference(parsed)) === id ? parsed : undefined);
  }
  return chosen;
}

/** dockerd's words, which differ between a name with a tag and all else. */
function notSaved(text: string, parsed: string | Reference): EngineError {
  const isTagged = typeof parsed !== "string" && (parsed.tag !== undefined || parsed.digest !== undefined);
  return new EngineError("not-found", isTagged ? "reference does not exist" : `No such image: ${text}`);
}

async function describe(
  { records, content }: ImagesContext,
  { id, tags }: { id: ImageID; tags: readonly Reference[] },
): Promise<SavedImage> {
  const record = records.find(id);
  if (!record) throw new EngineError("not-found", `No such image: ${id}`);
  const layers = records.layers(id);
  const configBytes = await content.size(id);
  const original = record.manifest && (await content.read(record.manifest));
  const manifest =
    original && isWhole(original, [id, ...layers.map((layer) => layer.diffID)])
      ? original
      : Buffer.from(JSON.stringify(makeManifest({ id, configBytes, layers })));
  return { record, layers, tags: tags.filter((tag) => tag.tag !== undefined), configBytes, manifest };
}

/** The manifest that an image came with goes out again when its layers were not compressed, as ours are not. */
function isWhole(manifest: Uint8Array, held: readonly Digest[]): boolean {
  const listed = blobsOfManifest(manifest);
  return listed.length === held.length && listed.every((digest, index) => digest === held[index]);
}

function makeManifest(image: { id: ImageID; configBytes: number; layers: readonly StoredLayer[] }): Manifest {
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: { mediaType: MEDIA_TYPES.ociConfig, digest: image.id, size: image.configBytes },
    layers: image.layers.map(layerDescriptor),
  };
}

function layerDescriptor(layer: StoredLayer): Descriptor {
  return { mediaType: MEDIA_TYPES.ociLayer, digest: layer.diffID, size: layer.blobBytes };
}

/** Another order of fields: with both orders as dockerd has them, archives are the same byte for byte. */
function layerSource(layer: StoredLayer): Descriptor {
  return { mediaType: MEDIA_TYPES.ociLayer, size: layer.blobBytes, digest: layer.diffID };
}

function blobsOf(record: ImageRecord, layers: readonly StoredLayer[]): Digest[] {
  return [record.id, ...layers.map((layer) => layer.diffID), ...(record.manifest ? [record.manifest] : [])];
}

/** All files under the names they have in the archive, sorted; a blob that images share is there once. */
function filesOf(images: readonly SavedImage[]): [string, ArchiveFile][] {
  const blobs = new Map<string, ArchiveFile>();
  for (const { record, layers, configBytes, manifest } of images) {
    const seconds = Number(createdNano(record.document) / 1_000_000_000n);
    blobs.set(blobPath(record.id), { size: configBytes, seconds, source: record.id });
    blobs.set(blobPath(digestOf(manifest)), document(manifest));
    for (const { diffID, blobBytes } of layers)
      blobs.set(blobPath(diffID), { size: blobBytes, seconds, source: diffID });
  }
  return [
    ...[...blobs].sort(([a], [b]) => (a < b ? -1 : 1)),
    ["index.json", document(JSON.stringify(makeIndex(images)))],
    ["manifest.json", document(`${JSON.stringify(images.map(manifestItem))}\n`)],
    ["oci-layout", document('{"imageLayoutVersion": "1.0.0"}')],
    ...repositoriesFile(images),
  ];
}

function makeIndex(images: readonly SavedImage[]): Index {
  const manifests = images.flatMap(({ manifest, tags }): Descriptor[] => {
    const descriptor = {
      mediaType: MEDIA_TYPES.ociManifest,
      digest: digestOf(manifest),
      size: manifest.byteLength,
    };
    if (tags.length === 0) return [descriptor];
    return tags.map((tag) => ({
      ...descriptor,
      annotations: { [ANNOTATIONS.imageName]: formatReference(tag), [ANNOTATIONS.refName]: tag.tag ?? "" },
    }));
  });
  return { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests };
}

function manifestItem({ record, layers, tags }: SavedImage): Record<string, unknown> {
  return {
    Config: blobPath(record.id),
    RepoTags: tags.length > 0 ? tags.map(familiarReference) : null,
    Layers: layers.map((layer) => blobPath(layer.diffID)),
    LayerSources: Object.fromEntries(layers.map((layer) => [layer.diffID, layerSource(layer)])),
  };
}

/** What very old readers look at: the topmost layer of each tag. */
function repositoriesFile(images: readonly SavedImage[]): [string, ArchiveFile][] {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { layers, tags } of images) {
    const top = layers.at(-1);
    for (const tag of top ? tags : []) {
      const name = familiarName(tag);
      repositories[name] = { ...repositories[name], [tag.tag ?? ""]: hexOf(top?.diffID as Digest) };
    }
  }
  if (Object.keys(repositories).length === 0) return [];
  return [["repositories", document(`${JSON.stringify(repositories)}\n`)]];
}

function document(content: string | Uint8Array): ArchiveFile {
  const bytes = Buffer.from(content);
  return { size: bytes.byteLength, seconds: 0, source: bytes };
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}
