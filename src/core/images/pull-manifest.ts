/** Manifests, indexes and configs of a pull: from the content store where they are here already, else from the registry. */
import { formatReference, type Reference, type Tag } from "#api/distribution";
import type { Descriptor, Digest } from "#api/oci";
import { digestOf } from "#core/content";
import { EngineError } from "#lib/errors";
import { type IndexDocument, type ManifestDocument, parseManifest } from "./manifest-document.ts";
import type { Pull } from "./pull.ts";

/** Configs of real images have some ten KiB; this is what containerd takes. */
const CONFIG_LIMIT_BYTES = 8 * 1024 * 1024;

export interface PulledManifest<Document> {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly document: Document;
}

export type AnyManifest = PulledManifest<IndexDocument> | PulledManifest<ManifestDocument>;

export function isIndex(manifest: AnyManifest): manifest is PulledManifest<IndexDocument> {
  return manifest.document.kind === "index";
}

type Source = Pick<Pull, "context" | "repository" | "lease" | "signal">;

/** What a tag or digest names. A tag that is known here costs a `HEAD`, which registries do not count, if it did not move. */
export async function fetchRoot(pull: Source, reference: Reference): Promise<AnyManifest> {
  const { context, repository, signal } = pull;
  if (reference.tag === undefined) return await fetchManifest(pull, reference.digest as Digest);
  const known = context.records.findName(formatReference(reference))?.target;
  if (known === undefined) return await fetchFresh(pull, reference.tag);
  const { digest } = await repository.resolve(reference.tag, signal);
  return await fetchManifest(pull, digest);
}

/** One that is listed: its size is known, too. */
export async function fetchListed(pull: Source, descriptor: Descriptor): Promise<AnyManifest> {
  const manifest = await fetchManifest(pull, descriptor.digest, descriptor.mediaType || undefined);
  if (manifest.bytes.byteLength !== descriptor.size) {
    throw new EngineError(
      "invalid-parameter",
      `manifest ${descriptor.digest}: expected ${descriptor.size} bytes, got ${manifest.bytes.byteLength}`,
    );
  }
  return manifest;
}

/** A document of the registry, checked against its descriptor. */
export async function fetchConfig(
  { repository, signal }: Pick<Source, "repository" | "signal">,
  descriptor: Descriptor,
): Promise<Uint8Array> {
  if (descriptor.size > CONFIG_LIMIT_BYTES) {
    throw new EngineError(
      "invalid-parameter",
      `image config ${descriptor.digest}: ${descriptor.size} bytes are more than ${CONFIG_LIMIT_BYTES}`,
    );
  }
  const bytes = Buffer.concat(await Array.fromAsync(repository.blob(descriptor, { signal })));
  if (bytes.byteLength !== descriptor.size || digestOf(bytes) !== descriptor.digest) {
    throw new EngineError("invalid-parameter", `image config verification failed for digest ${descriptor.digest}`);
  }
  return bytes;
}

async function fetchManifest(pull: Source, digest: Digest, mediaType?: string): Promise<AnyManifest> {
  const { context, lease } = pull;
  if (!context.records.manifests.find(digest)) return await fetchFresh(pull, digest, mediaType);
  lease.add(digest);
  const bytes = await context.content.read(digest);
  return read(digest, bytes, mediaType);
}

async function fetchFresh(
  { repository, signal }: Source,
  reference: Tag | Digest,
  mediaType?: string,
): Promise<AnyManifest> {
  const { descriptor, bytes } = await repository.manifest(reference, signal);
  return read(descriptor.digest, bytes, mediaType ?? descriptor.mediaType);
}

function read(digest: Digest, bytes: Uint8Array, mediaType?: string): AnyManifest {
  const document = parseManifest(bytes, mediaType);
  return document.kind === "index" ? { digest, bytes, document } : { digest, bytes, document };
}
