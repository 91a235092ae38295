import { type Digest, type Index, MEDIA_TYPES } from "#api/oci";
import { assertMutable, storeManifest } from "../content.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../documents/parse-manifest.ts";
import { RegistryError } from "../errors.ts";
import type { StoredManifest } from "../metadata/manifest-store.ts";
import type { Parts } from "../parts.ts";
import { readBody } from "./body.ts";
import { etag, isNotModified } from "./conditional.ts";
import { assertNotProxied, type Exchange, tell } from "./exchange.ts";
import { parseManifestReference } from "./names.ts";

interface ManifestRoute {
  readonly repository: string;
  readonly reference: string;
}

/** Code 299 is the one that clients show to their users ("Warnings" of the specification). */
const STALE = '299 - "the registry behind this cache cannot be asked: this may be old"';

/** GET and HEAD of `/v2/NAME/manifests/REFERENCE` (end-3). */
export async function getManifest(exchange: Exchange, { repository, reference }: ManifestRoute): Promise<Response> {
  const { parts, request } = exchange;
  const parsed = parseManifestReference(reference);
  if (parsed === undefined) throw unknownManifest(reference);
  const resolved = await resolve(exchange, repository, parsed);
  const found = resolved && parts.manifests.findManifest(repository, resolved.digest);
  if (found === undefined) throw unknownManifest(reference);
  const manifest = "tag" in parsed ? acceptable(parts, repository, found, request.headers.get("Accept")) : found;
  const headers = {
    "Content-Type": manifest.mediaType,
    "Content-Length": String(manifest.bytes.byteLength),
    "Docker-Content-Digest": manifest.digest,
    ETag: etag(manifest.digest),
    ...(resolved?.isStale ? { Warning: STALE } : {}),
  };
  if (isNotModified(request, manifest.digest)) return new Response(null, { status: 304, headers });
  if (request.method === "HEAD") return new Response(null, { headers });
  tell(exchange, {
    action: "pull",
    repository,
    digest: manifest.digest,
    mediaType: manifest.mediaType,
    size: manifest.bytes.byteLength,
    ...("tag" in parsed ? { tag: parsed.tag } : {}),
  });
  return new Response(manifest.bytes, { headers });
}

async function resolve(
  exchange: Exchange,
  repository: string,
  reference: { digest: Digest } | { tag: string },
): Promise<{ readonly digest: Digest; readonly isStale?: boolean } | undefined> {
  const { parts, request } = exchange;
  if (parts.upstream?.covers(repository)) {
    const text = "tag" in reference ? reference.tag : reference.digest;
    return await parts.upstream.manifest(repository, text, request.signal);
  }
  const digest = "tag" in reference ? parts.manifests.findTag(repository, reference.tag) : reference.digest;
  return digest && { digest };
}

const INDEX_TYPES: readonly string[] = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerIndex];

/**
 * What a tag gives to a client that lists the types it understands. Documents are never converted, since their digest would
 * change; but a client that knows no indexes, as Docker's before 1.10, gets the manifest for linux/amd64 of one, as other registries
 * give it.
 *
 * @throws MANIFEST_UNKNOWN
 */
function acceptable(parts: Parts, repository: string, found: StoredManifest, accept: string | null): StoredManifest {
  const accepts = (mediaType: string) => accept === null || acceptsType(accept, mediaType);
  if (accepts(found.mediaType)) return found;
  const child = INDEX_TYPES.includes(found.mediaType) ? defaultManifest(parts, repository, found) : undefined;
  if (child !== undefined && accepts(child.mediaType)) return child;
  throw new RegistryError(
    "MANIFEST_UNKNOWN",
    `manifest is "${found.mediaType}", which the Accept header does not allow`,
  );
}

function acceptsType(accept: string, mediaType: string): boolean {
  const wanted = mediaType.toLowerCase();
  return accept.split(",").some((entry) => {
    const type = (entry.split(";")[0] ?? "").trim().toLowerCase();
    return type === wanted || type === "*/*" || (type.endsWith("/*") && wanted.startsWith(type.slice(0, -1)));
  });
}

function defaultManifest(parts: Parts, repository: string, index: StoredManifest): StoredManifest | undefined {
  const { manifests } = JSON.parse(new TextDecoder().decode(index.bytes)) as Index;
  const entry = manifests.find(({ platform }) => platform?.os === "linux" && platform.architecture === "amd64");
  return entry && parts.manifests.findManifest(repository, entry.digest);
}

/** PUT of `/v2/NAME/manifests/REFERENCE` (end-7). */
export async function putManifest(exchange: Exchange, { repository, reference }: ManifestRoute): Promise<Response> {
  const { parts, request } = exchange;
  assertNotProxied(parts, repository);
  parts.rules.assertWritable(repository);
  const named = parseManifestReference(reference);
  if (named === undefined)
    throw reference.includes(":")
      ? new RegistryError("DIGEST_INVALID", "invalid digest")
      : new RegistryError("TAG_INVALID", undefined, { detail: { tag: reference } });
  const bytes = await readBody(request, MAX_MANIFEST_BYTES);
  const parsed = parseManifest(bytes, {
    contentType: request.headers.get("Content-Type"),
    ...("digest" in named ? { expected: named.digest } : {}),
  });
  const tag = "tag" in named ? { tag: named.tag } : {};
  await storeManifest(parts, repository, { ...parsed, ...tag });
  const { digest, mediaType, subject } = parsed.manifest;
  tell(exchange, { action: "push", repository, digest, mediaType, size: bytes.byteLength, ...tag });
  return new Response(null, {
    status: 201,
    headers: {
      Location: `/v2/${repository}/manifests/${digest}`,
      "Docker-Content-Digest": digest,
      ...(subject === undefined ? {} : { "OCI-Subject": subject }),
    },
  });
}

/** DELETE of `/v2/NAME/manifests/REFERENCE` (end-9): a tag alone, or a manifest with its tags. */
export async function deleteManifest(exchange: Exchange, { repository, reference }: ManifestRoute): Promise<Response> {
  const { parts } = exchange;
  const named = parseManifestReference(reference);
  if (named === undefined) throw unknownManifest(reference);
  assertNotProxied(parts, repository);
  parts.rules.assertDeletable(repository);
  const tags = "tag" in named ? [named.tag] : parts.manifests.tagsOf(repository, named.digest);
  assertMutable(parts, repository, tags);
  const isRemoved =
    "tag" in named
      ? parts.manifests.removeTag(repository, named.tag)
      : parts.manifests.removeManifest(repository, named.digest);
  if (!isRemoved) throw unknownManifest(reference);
  await parts.manifests.durable();
  tell(exchange, { action: "delete", repository, ...named });
  return new Response(null, { status: 202 });
}

function unknownManifest(reference: string): RegistryError {
  return new RegistryError("MANIFEST_UNKNOWN", undefined, { detail: { reference: reference.slice(0, 255) } });
}
