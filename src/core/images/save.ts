/** The verb `save`: which images go into an archive, under which names and in which form. `archive/files.ts` lays it out. */
import {
  formatReference,
  parseDigestOrReference,
  parseReference,
  type Reference,
  repositoryOf,
} from "#api/distribution";
import type { Digest, Platform } from "#api/oci";
import { digestOf, type Lease } from "#core/content";
import { EngineError } from "#lib/errors";
import { byteString } from "#lib/fs";
import { TAR_END, tarHeader, tarPadding } from "#lib/tar";
import { filesOf, makeIndex, makeManifest, type SavedImage, type SavedSet } from "./archive/files.ts";
import type { ImagesContext } from "./context.ts";
import type { ImageID } from "./image.ts";
import { emitImageEvent } from "./image-event.ts";
import { findImage, lookupForm } from "./lookup.ts";
import { type IndexDocument, type ManifestDocument, parseManifest } from "./manifest-document.ts";
import { platformText } from "./platform.ts";

/** Images that were asked for together, and the tags by which they were. */
interface Chosen {
  readonly images: readonly ImageID[];
  readonly target: Digest | undefined;
  readonly tags: Reference[];
}

/** @throws `not-found` before anything is streamed */
export async function saveImages(
  context: ImagesContext,
  references: readonly string[],
  platforms?: readonly Platform[],
): Promise<AsyncIterable<Uint8Array>> {
  const sets: SavedSet[] = [];
  for (const chosen of chooseImages(context, references, platforms)) sets.push(await describe(context, chosen));
  return stream(context, sets);
}

async function* stream(context: ImagesContext, sets: readonly SavedSet[]): AsyncGenerator<Uint8Array> {
  const files = filesOf(sets);
  // Taken here and not before: a stream that nobody reads must not hold anything.
  using lease = context.content.lease();
  hold(lease, files);
  for (const name of ["blobs/", "blobs/sha256/"]) {
    yield tarHeader({ type: "directory", name: byteString(name), mode: 0o755 });
  }
  for (const [name, { size, seconds, source }] of files) {
    const modified = { seconds, nanoseconds: 0 };
    yield tarHeader({ type: "file", name: byteString(name), mode: 0o644, size, modified });
    if (typeof source === "string") yield* context.content.open(source) as AsyncIterable<Uint8Array>;
    else yield source;
    yield tarPadding(size);
  }
  yield TAR_END;
  for (const { images } of sets) for (const { id } of images) emitImageEvent(context, id, "save");
}

function hold(lease: Lease, files: ReturnType<typeof filesOf>): void {
  for (const [, { source }] of files) if (typeof source === "string") lease.add(source);
}

/**
 * A repository without a tag means all its tags; a name all its images; an ID one. A tag goes into the archive only when it was asked
 * for.
 */
function chooseImages(
  { records }: ImagesContext,
  references: readonly string[],
  platforms: readonly Platform[] | undefined,
): Iterable<Chosen> {
  const chosen = new Map<string, Chosen>();
  const add = ({ images, target, tags }: Chosen) => {
    const key = images.join();
    const known = chosen.get(key) ?? { images, target, tags: [] };
    chosen.set(key, known);
    for (const tag of tags) if (!known.tags.some((other) => isSame(other, tag))) known.tags.push(tag);
  };
  const byName = (name: string): Chosen => {
    const reference = parseReference(name);
    const images = wanted(records.imagesOf(name), platforms).map(({ id }) => id);
    return { images, target: records.findName(name)?.target, tags: reference.tag === undefined ? [] : [reference] };
  };
  for (const text of references) {
    const parsed = parseDigestOrReference(text);
    const isRepository = typeof parsed !== "string" && !parsed.tag && !parsed.digest;
    const all = isRepository ? records.tagsOf(repositoryOf(parsed)) : [];
    for (const { name } of all) add(byName(name));
    if (all.length > 0) continue;
    const name = typeof parsed === "string" ? undefined : formatReference(lookupForm(parsed));
    if (name !== undefined && !isRepository && records.findName(name)) {
      add(byName(name));
      continue;
    }
    const id = findImage(records, text);
    if (id === undefined) throw notSaved(text, parsed);
    const image = { id, platform: platformText(records.find(id)?.document ?? { os: "", architecture: "" }) };
    add({ images: wanted([image], platforms).map((each) => each.id), target: undefined, tags: [] });
  }
  return chosen.values();
}

function isSame(one: Reference, other: Reference): boolean {
  return formatReference(one) === formatReference(other);
}

/** @throws `not-found` when nothing is left */
function wanted<T extends { readonly platform: string }>(
  images: readonly T[],
  platforms: readonly Platform[] | undefined,
): readonly T[] {
  if (platforms === undefined) return images;
  const texts = platforms.map(platformText);
  const missing = texts.find((text) => !images.some(({ platform }) => platform === text));
  if (missing !== undefined)
    throw new EngineError("not-found", `no suitable export target found for platform ${missing}`);
  return images.filter(({ platform }) => texts.includes(platform));
}

/** dockerd's words, which differ between a name with a tag and all else. */
function notSaved(text: string, parsed: string | Reference): EngineError {
  const isTagged = typeof parsed !== "string" && (parsed.tag !== undefined || parsed.digest !== undefined);
  return new EngineError("not-found", isTagged ? "reference does not exist" : `No such image: ${text}`);
}

async function describe(context: ImagesContext, { images: ids, target, tags }: Chosen): Promise<SavedSet> {
  const images: SavedImage[] = [];
  for (const id of ids) images.push(await describeImage(context, id));
  if (images.length === 1) return { tags, images, artifacts: [] };
  const original = target && (await originalIndex(context, target, images));
  return { tags, images, ...(original ?? { index: makeIndex(images), artifacts: [] }) };
}

async function describeImage({ records, content }: ImagesContext, id: ImageID): Promise<SavedImage> {
  const record = records.find(id);
  if (!record) throw new EngineError("not-found", `No such image: ${id}`);
  const image = { id, document: record.document, layers: records.layers(id), configBytes: await content.size(id) };
  const original = record.manifest && (await content.read(record.manifest));
  const held = [id, ...image.layers.map((layer) => layer.diffID)];
  return { ...image, manifest: original && isWhole(original, held) ? original : makeManifest(image) };
}

/** The manifest that an image came with goes out again when its layers were not compressed, as ours are not. */
function isWhole(bytes: Uint8Array, held: readonly Digest[]): boolean {
  const listed = blobsOf(parseManifest(bytes) as ManifestDocument).map(({ digest }) => digest);
  return listed.length === held.length && listed.every((digest, index) => digest === held[index]);
}

/** So does an index when all that it lists does, or is here as it came. */
async function originalIndex(
  { content, records }: ImagesContext,
  target: Digest,
  images: readonly SavedImage[],
): Promise<Pick<SavedSet, "index" | "artifacts"> | undefined> {
  const saved = new Set<Digest>(images.map(({ manifest }) => digestOf(manifest)));
  const index = await content.read(target);
  const artifacts: { digest: Digest; size: number }[] = [];
  for (const { digest, size } of (parseManifest(index) as IndexDocument).entries) {
    if (saved.has(digest)) continue;
    const record = records.manifests.find(digest);
    const document = record && record.imageID === undefined ? parseManifest(await content.read(digest)) : undefined;
    if (document?.kind !== "manifest") return undefined;
    artifacts.push({ digest, size }, ...blobsOf(document));
  }
  return { index, artifacts };
}

function blobsOf({ config, layers }: ManifestDocument) {
  return [config, ...layers];
}
