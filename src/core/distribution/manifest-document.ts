import { MEDIA_TYPES } from "#api/oci";
import { EngineError, messageOf } from "#lib/errors";
import { invalidAnswer } from "./errors.ts";

const SCHEMA_1 = [
  "application/vnd.docker.distribution.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
];
/** Types that servers give to files that they know nothing of. */
const GENERIC = ["application/json", "application/octet-stream", "text/plain", "text/html", "binary/octet-stream"];
const INDEXES: readonly string[] = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerIndex];
const MANIFESTS: readonly string[] = [MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest];

/**
 * The media type of a manifest: what the registry says, else what the document says of itself, else what it looks like. Types that
 * are unknown here are kept: they are artifacts.
 *
 * @throws `invalid-parameter` for what is no JSON object, for schema 1, and for a document that can be read in two ways (CVE-2021-41190)
 */
export function mediaTypeOf(bytes: Uint8Array, contentType: string | null): string {
  const document = parseObject(bytes);
  const said = typeOfHeader(contentType);
  const own = typeof document.mediaType === "string" && document.mediaType !== "" ? document.mediaType : undefined;
  const mediaType = said ?? own ?? guess(document);
  refuseSchema1(mediaType);
  if (own !== undefined && own !== mediaType) {
    throw invalidAnswer(`if present, mediaType in manifest should be '${mediaType}' not '${own}'`);
  }
  if (INDEXES.includes(mediaType) && (document.config !== undefined || document.layers !== undefined)) {
    throw invalidAnswer("index: expected index but found manifest");
  }
  if (MANIFESTS.includes(mediaType) && document.manifests !== undefined) {
    throw invalidAnswer("manifest: expected manifest but found index");
  }
  return mediaType;
}

/** `Content-Type` without its parameters; undefined when it says nothing. */
export function typeOfHeader(header: string | null): string | undefined {
  const type = header?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return type === "" || GENERIC.includes(type) || type.length > 255 ? undefined : type;
}

/** @throws `invalid-parameter` with Docker's words */
export function refuseSchema1(mediaType: string): void {
  if (!SCHEMA_1.includes(mediaType)) return;
  throw new EngineError(
    "invalid-parameter",
    "support for Docker Image Format v1 and Docker Image manifest version 2, schema 1 has been removed in Docker Engine v28.2. More information at https://docs.docker.com/go/deprecated-image-specs/",
  );
}

function guess(document: Record<string, unknown>): string {
  if (document.schemaVersion === 1) return SCHEMA_1[0] ?? "";
  return Array.isArray(document.manifests) ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest;
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidAnswer(`error unmarshalling content: ${messageOf(cause)}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw invalidAnswer("error unmarshalling content: the manifest is no JSON object");
  }
  return document as Record<string, unknown>;
}
