/** Manifests and indexes as registries and archives give them: checked once, here, and plain values from then on. */
import { type Descriptor, type Digest, isDigest, MEDIA_TYPES, type Platform } from "#api/oci";
import { EngineError } from "#lib/errors";
import { JsonValue } from "./archive/json.ts";

/** Builders stop at 127 layers; every layer costs a request, and a device of the mounted image. */
const LAYERS_LIMIT = 1024;
/** Of one index. Real ones have some dozens. */
const ENTRIES_LIMIT = 1024;

/** An index may hold indexes; real ones are two deep. */
export const INDEX_DEPTH_LIMIT = 4;

/** Media types of indexes, manifests, configs and layers, in OCI's and in Docker's words. */
const INDEX_TYPES: readonly string[] = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerIndex];
const CONFIG_TYPES: readonly string[] = [
  MEDIA_TYPES.ociConfig,
  MEDIA_TYPES.dockerConfig,
  // What faulty pushers wrote, and Docker takes for images: https://github.com/docker/distribution/issues/1621
  "application/octet-stream",
  "application/json",
  "text/html",
  "",
];
const LAYER_TYPES: readonly string[] = [
  MEDIA_TYPES.ociLayer,
  MEDIA_TYPES.ociLayerGzip,
  MEDIA_TYPES.ociLayerZstd,
  MEDIA_TYPES.dockerLayer,
  MEDIA_TYPES.dockerLayerGzip,
  MEDIA_TYPES.dockerLayerZstd,
];

export interface IndexDocument {
  readonly kind: "index";
  readonly mediaType: string;
  readonly entries: readonly Descriptor[];
}

export interface ManifestDocument {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/**
 * Reads an index or manifest. `mediaType` is what the registry or the descriptor said; without, the document says it itself.
 *
 * @throws `invalid-parameter` for what is neither, is ambiguous (CVE-2021-41190), or exceeds the limits
 */
export function parseManifest(bytes: Uint8Array, mediaType?: string): IndexDocument | ManifestDocument {
  const document = JsonValue.parse(bytes, "manifest");
  const own = document.get("mediaType").optionalString();
  if (own && mediaType && own !== mediaType) {
    throw invalid(`invalid manifest: it is "${own}" by its own words and "${mediaType}" by those of the registry`);
  }
  const isIndex = !document.get("manifests").isAbsent;
  const isManifest = !document.get("config").isAbsent || !document.get("layers").isAbsent;
  if (isIndex === isManifest) throw invalid("unsupported manifest format");
  const type = own || mediaType || (isIndex ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest);
  if (isIndex !== INDEX_TYPES.includes(type)) throw invalid(`unsupported media type ${type}`);
  if (isIndex)
    return { kind: "index", mediaType: type, entries: descriptors(document.get("manifests"), ENTRIES_LIMIT) };
  return {
    kind: "manifest",
    mediaType: type,
    config: descriptor(document.get("config")),
    layers: descriptors(document.get("layers"), LAYERS_LIMIT),
  };
}

/**
 * Refuses a manifest that describes something other than an image, or one whose layers a registry does not have.
 *
 * @throws `invalid-parameter`
 */
export function checkImageManifest({ config, layers }: ManifestDocument): void {
  if (!CONFIG_TYPES.includes(config.mediaType)) throw invalid(`unsupported media type ${config.mediaType}`);
  for (const layer of layers) {
    const { mediaType, digest } = layer;
    if (isForeign(layer)) {
      throw invalid(
        `layer ${digest} is foreign (${mediaType}): it is not to be had from the registry, and other places are not asked`,
      );
    }
    if (!LAYER_TYPES.includes(mediaType)) throw invalid(`unsupported media type ${mediaType}`);
  }
}

/** Whether a layer is not to be had from a registry: its license wants it to come from elsewhere. */
export function isForeign({ mediaType }: Descriptor): boolean {
  return /foreign|nondistributable/.test(mediaType);
}

/** Whether it describes an image that this engine can hold. */
export function isImageManifest(manifest: ManifestDocument): boolean {
  try {
    checkImageManifest(manifest);
    return true;
  } catch {
    return false;
  }
}

/** BuildKit lists its attestations beside the images, for a platform that does not exist. */
export function attestedManifest({ annotations, platform }: Descriptor): Digest | undefined {
  const of = annotations?.["vnd.docker.reference.digest"];
  const isAttestation = annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
  return isAttestation && platform?.os === "unknown" && of !== undefined && isDigest(of) ? of : undefined;
}

function descriptors(list: JsonValue, limit: number): Descriptor[] {
  const items = list.list();
  if (items.length > limit) throw invalid(`invalid manifest: ${items.length} entries are more than ${limit}`);
  return items.map(descriptor);
}

function descriptor(value: JsonValue): Descriptor {
  const digest = value.get("digest").string();
  if (!isDigest(digest)) throw invalid(`invalid manifest: "${digest}" is no digest`);
  if (!digest.startsWith("sha256:")) throw invalid(`invalid manifest: unsupported digest algorithm of "${digest}"`);
  return {
    mediaType: value.get("mediaType").optionalString() ?? "",
    digest,
    size: value.get("size").size(),
    ...optional("platform", platformOf(value.get("platform"))),
    ...optional("annotations", annotationsOf(value.get("annotations"))),
  };
}

function platformOf(value: JsonValue): Platform | undefined {
  if (value.isAbsent) return undefined;
  const variant = value.get("variant").optionalString();
  return {
    architecture: value.get("architecture").optionalString() ?? "",
    os: value.get("os").optionalString() ?? "",
    ...optional("variant", variant === "" ? undefined : variant),
    ...optional("os.version", value.get("os.version").optionalString()),
  };
}

function annotationsOf(value: JsonValue): Record<string, string> | undefined {
  if (value.isAbsent) return undefined;
  return Object.fromEntries(value.entries().map(([key, text]) => [key, text.string()]));
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
