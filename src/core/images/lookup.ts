import {
  familiarReference,
  formatReference,
  parseDigestOrReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from "#api/distribution";
import { noSuchImage } from "./errors.ts";
import type { Image, ImageID } from "./image.ts";
import type { ImageRecord, ImageRecords } from "./records.ts";

/**
 * Finds what users mean, in Docker's order: a full ID, a name (tag `latest` if none), the beginning of an ID. A
 * beginning that fits several images means none of them.
 *
 * @throws `invalid-parameter` when the text is neither an ID nor a reference
 */
export function findImage(records: ImageRecords, text: string): ImageID | undefined {
  const parsed = parseDigestOrReference(text);
  if (typeof parsed === "string") return visible(records, parsed);
  return records.findByName(formatReference(lookupForm(parsed))) ?? findByPrefix(records, text);
}

/** @throws `not-found` "No such image: x:latest" */
export function getImage(records: ImageRecords, text: string): ImageID {
  const id = findImage(records, text);
  if (id === undefined) throw noSuchImage(text);
  return id;
}

/** The record as the rest of the engine sees it. */
export function presentImage(records: ImageRecords, record: ImageRecord): Image {
  const names = records.names(record.id);
  const layerBytes = records.layers(record.id).map((layer) => layer.fileBytes);
  return {
    id: record.id,
    document: record.document,
    tags: names.filter((name) => !name.isDigest).map((name) => name.name),
    digests: names.filter((name) => name.isDigest).map((name) => name.name),
    sizeBytes: layerBytes.reduce((sum, bytes) => sum + bytes, 0),
    layerBytes,
    ...(record.lastTagTime === undefined ? {} : { lastTagTime: record.lastTagTime }),
  };
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

function visible(records: ImageRecords, id: string): ImageID | undefined {
  const record = records.find(id);
  return record && !record.removed ? record.id : undefined;
}

function findByPrefix(records: ImageRecords, text: string): ImageID | undefined {
  const prefix = text.replace(/^sha256:/, "");
  if (!/^[a-f0-9]{1,64}$/.test(prefix)) return undefined;
  const found = records.findByPrefix(prefix);
  return found.length === 1 ? found[0] : undefined;
}
