import { createHash } from "node:crypto";
import { type Digest, isDigest, MEDIA_TYPES, parseDigest } from "#api/oci";
import { RegistryError } from "../errors.ts";
import type { NewManifest } from "../metadata/manifest-store.ts";

/** distribution-spec "Pushing manifests": registries accept at least this much, and more helps nobody. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** Config, layers and manifests together. Images have at most some hundred; artifacts of many files have the most. */
const MAX_REFERENCES = 8192;
const MAX_MEDIA_TYPE_LENGTH = 255;

/** What a manifest refers to, and how big it says that is. */
export interface Reference {
  readonly digest: Digest;
  readonly size: number;
  /** A layer that is fetched from elsewhere (`urls`) need not be in the registry. */
  readonly isForeign: boolean;
}

export interface ParsedManifest {
  readonly manifest: NewManifest;
  readonly blobs: readonly Reference[];
  readonly manifests: readonly Reference[];
}

/**
 * Reads a manifest as far as a registry has to: what it refers to and what it is about. The bytes stay what they are. Documents of
 * unknown media types are kept, too, and the descriptors in the usual places of them count as references.
 *
 * @throws MANIFEST_INVALID; DIGEST_INVALID when `expected` is another digest
 */
export function parseManifest(
  bytes: Uint8Array,
  options: { contentType: string | null; expected?: Digest },
): ParsedManifest {
  const document = parseObject(bytes);
  const mediaType = mediaTypeOf(document, options.contentType);
  const read = checkShape(document, mediaType) ? descriptors : likelyDescriptors;
  const blobs = ["config", "layers", "blobs"].flatMap((field) => read(field, document[field]));
  const manifests = read("manifests", document.manifests);
  if (blobs.length + manifests.length > MAX_REFERENCES) throw invalid(`more than ${MAX_REFERENCES} references`);
  const [subject] = read("subject", document.subject);
  const artifactType = artifactTypeOf(document);
  const annotations = annotationsOf(document);
  const digest = digestOf(bytes, options.expected);
  return {
    manifest: {
      digest,
      mediaType,
      bytes,
      blobs: blobs.map((blob) => blob.digest),
      manifests: manifests.map((manifest) => manifest.digest),
      ...(subject === undefined ? {} : { subject: subject.digest }),
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    blobs,
    manifests,
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

function parseObject(bytes: Uint8Array): JsonObject {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("not a JSON document");
  }
  if (!isObject(document)) throw invalid("not a JSON object");
  return document;
}

/** What the client says, else what the document says. They must agree (image-spec, "mediaType" of manifests). */
function mediaTypeOf(document: JsonObject, contentType: string | null): string {
  const said = contentType?.split(";")[0]?.trim().toLowerCase() || undefined;
  const written = document.mediaType;
  if (written !== undefined && typeof written !== "string") throw invalid("mediaType is no text");
  const mediaType = said ?? written;
  if (mediaType === undefined) throw invalid("no media type: send it as Content-Type");
  if (written !== undefined && written.toLowerCase() !== mediaType)
    throw invalid(`mediaType is "${written}", Content-Type "${mediaType}"`);
  if (mediaType.length > MAX_MEDIA_TYPE_LENGTH || !/^[\w.+-]+\/[\w.+-]+$/.test(mediaType))
    throw invalid("media type is none");
  if (/^application\/vnd\.docker\.distribution\.manifest\.v1\+/.test(mediaType))
    throw invalid("schema 1 manifests are not supported: push the image with a current client");
  return written ?? mediaType;
}

/** True for a media type whose shape is known, and right. */
function checkShape(document: JsonObject, mediaType: string): boolean {
  const isManifest = mediaType === MEDIA_TYPES.ociManifest || mediaType === MEDIA_TYPES.dockerManifest;
  const isIndex = mediaType === MEDIA_TYPES.ociIndex || mediaType === MEDIA_TYPES.dockerIndex;
  if (!isManifest && !isIndex) return false;
  if (document.schemaVersion !== 2) throw invalid("schemaVersion is not 2");
  if (isManifest && (!isObject(document.config) || !Array.isArray(document.layers)))
    throw invalid("a manifest has a config and layers");
  if (isIndex && !Array.isArray(document.manifests)) throw invalid("an index has manifests");
  // A document that is both could be read as either (CVE-2021-41190).
  if (isManifest && document.manifests !== undefined) throw invalid("a manifest has no manifests");
  if (isIndex && (document.layers !== undefined || document.config !== undefined))
    throw invalid("an index has no layers and no config");
  return true;
}

/** One or several, as the field has it. */
function descriptors(field: string, value: unknown): Reference[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map((one) => parseDescriptor(field, one)) : [parseDescriptor(field, value)];
}

/** Of a document whose shape is its own affair: what looks like a descriptor is one. */
function likelyDescriptors(field: string, value: unknown): Reference[] {
  return (Array.isArray(value) ? value : [value]).flatMap((one) => {
    try {
      return descriptors(field, one);
    } catch (error) {
      if (error instanceof RegistryError) return [];
      throw error;
    }
  });
}

function parseDescriptor(field: string, value: unknown): Reference {
  if (!isObject(value)) throw invalid(`${field}: not a descriptor`);
  const { digest, size, mediaType, urls } = value;
  if (typeof digest !== "string" || !isDigest(digest)) throw invalid(`${field}: invalid digest`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw invalid(`${field}: invalid size`);
  if (typeof mediaType !== "string" || mediaType === "") throw invalid(`${field}: no mediaType`);
  return { digest, size, isForeign: Array.isArray(urls) && urls.length > 0 };
}

/** distribution-spec "Listing Referrers": an image manifest without an artifact type has that of its config. */
function artifactTypeOf(document: JsonObject): string | undefined {
  const { artifactType, config } = document;
  if (typeof artifactType === "string" && artifactType !== "") return artifactType;
  return isObject(config) && typeof config.mediaType === "string" ? config.mediaType : undefined;
}

function annotationsOf(document: JsonObject): Record<string, string> | undefined {
  const { annotations } = document;
  if (annotations === undefined || annotations === null) return undefined;
  if (!isObject(annotations) || !Object.values(annotations).every((value) => typeof value === "string"))
    throw invalid("annotations are no texts");
  return annotations as Record<string, string>;
}

function digestOf(bytes: Uint8Array, expected: Digest | undefined): Digest {
  const algorithm = expected?.startsWith("sha512:") ? "sha512" : "sha256";
  const digest = parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`);
  if (expected !== undefined && digest !== expected)
    throw new RegistryError("DIGEST_INVALID", `manifest has digest "${digest}"`, { detail: { digest: expected } });
  return digest;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(reason: string): RegistryError {
  return new RegistryError("MANIFEST_INVALID", `manifest invalid: ${reason}`);
}
