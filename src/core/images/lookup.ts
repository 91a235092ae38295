import {
  familiarReference,
  formatReference,
  parseDigestOrReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from "#api/distribution";
import type { Descriptor, Digest, Platform } from "#api/oci";
import { noSuchImage, noSuchPlatform } from "./errors.ts";
import type { Image, ImageID } from "./image.ts";
import { platformText } from "./platform.ts";
import type { ImageName, ImageRecord, ImageRecords, PlatformImage } from "./records.ts";

/**
 * Finds what users mean, in Docker's order: a full ID, a name (tag `latest` if none), the beginning of an ID. A
 * beginning that fits several images means none of them. Of a name's images the one that suits this machine best is meant.
 *
 * @throws `invalid-parameter` when the text is neither an ID nor a reference
 */
export function findImage(records: ImageRecords, text: string): ImageID | undefined {
  return findHolding(records, text)?.images[0]?.id;
}

/** @throws `not-found` "No such image: x:latest", or that there is none for the platform */
export function getImage(records: ImageRecords, text: string, platform?: Platform): ImageID {
  const found = findHolding(records, text);
  if (!found) throw noSuchImage(text);
  const { images } = found;
  const fitting = platform === undefined ? images[0] : bestFor(images, platform);
  if (fitting) return fitting.id;
  throw noSuchPlatform(text, { images, platform: platform as Platform });
}

/** What a text stands for: a name with its images, or one image by its ID. */
export function findHolding(
  records: ImageRecords,
  text: string,
): { readonly name?: ImageName; readonly images: readonly PlatformImage[] } | undefined {
  const parsed = parseDigestOrReference(text);
  if (typeof parsed === "string") return byID(records, parsed);
  const name = records.findName(formatReference(lookupForm(parsed)));
  return name ? { name, images: records.imagesOf(name.name) } : byID(records, findByPrefix(records, text));
}

/** The one for the platform; without a variant that was asked for, the first of the processor. */
function bestFor(images: readonly PlatformImage[], wanted: Platform): PlatformImage | undefined {
  const text = platformText(wanted);
  const isProcessor = ({ platform }: PlatformImage) =>
    platform.split("/", 2).join("/") === `${wanted.os}/${wanted.architecture}`;
  return images.find(({ platform }) => platform === text) ?? (wanted.variant ? undefined : images.find(isProcessor));
}

/** The record as the rest of the engine sees it; `target` is what the name stands for that it was asked for by. */
export function presentImage(records: ImageRecords, record: ImageRecord, target?: Digest): Image {
  const names = records.names(record.id);
  const descriptor = descriptorOf(records, target ?? names.find((name) => name.target)?.target);
  const layerBytes = records.layers(record.id).map((layer) => layer.fileBytes);
  const parent = parentOf(records, record);
  return {
    id: record.id,
    document: record.document,
    ...(parent ? { parent: parent.id } : {}),
    tags: names.filter((name) => !name.isDigest).map((name) => name.name),
    digests: names.filter((name) => name.isDigest).map((name) => name.name),
    sizeBytes: layerBytes.reduce((sum, bytes) => sum + bytes, 0),
    layerBytes,
    ...(record.lastTagTime === undefined ? {} : { lastTagTime: record.lastTagTime }),
    ...(descriptor ? { descriptor } : {}),
  };
}

/** The image that one was committed over, if it is still here. */
export function parentOf(records: ImageRecords, { parent }: ImageRecord): ImageRecord | undefined {
  const found = parent && records.find(parent);
  return found && !found.removed ? found : undefined;
}

/** The familiar form of a name as it is recorded. */
export function familiar(name: string): string {
  return familiarReference(parseReference(name));
}

/** The form under which a name is recorded: what a digest names no tag can change, so the tag beside it goes. */
export function lookupForm(reference: Reference): Reference {
  const { domain, path, digest } = reference;
  return digest === undefined ? withDefaultTag(reference) : { domain, path, digest };
}

/** Whether the text is the ID of the image or its beginning, `sha256:` or not; a name is none. */
export function isPrefixOf(id: ImageID, text: string): boolean {
  return id.startsWith(text) || id.slice("sha256:".length).startsWith(text);
}

function byID(records: ImageRecords, id: string | undefined): { images: PlatformImage[] } | undefined {
  const record = id === undefined ? undefined : records.find(id);
  if (!record || record.removed) return undefined;
  return { images: [{ id: record.id, platform: platformText(record.document) }] };
}

function findByPrefix(records: ImageRecords, text: string): ImageID | undefined {
  const prefix = text.replace(/^sha256:/, "");
  if (!/^[a-f0-9]{1,64}$/.test(prefix)) return undefined;
  const found = records.findByPrefix(prefix);
  return found.length === 1 ? found[0] : undefined;
}

function descriptorOf(records: ImageRecords, digest: Digest | undefined): Descriptor | undefined {
  const manifest = digest && records.manifests.find(digest);
  return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes };
}
