import { type RepositoryName, splitRepository, type Tag } from "#api/distribution";
import { type Descriptor, type Digest, isDigest } from "#api/oci";
import { EngineError, messageOf } from "#lib/errors";
import type { Credentials, Registries, RemoteRepository } from "./distribution.ts";

export interface ManifestPlacement {
  readonly name: RepositoryName;
  readonly reference: Tag | Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** Another repository of the same registry, which has the blobs that the manifest names. */
  readonly from?: RepositoryName;
  readonly credentials?: Credentials;
  readonly signal: AbortSignal;
}

/**
 * Puts a manifest or index that somebody composed into a registry. What it names has to be there, or in the repository `from`: blobs
 * are then mounted, and copied where the registry does not mount.
 *
 * @returns the digest of the document
 * @throws `invalid-parameter` for bytes that are no manifest, and whatever the registry refuses
 */
export async function placeManifest(
  registries: Pick<Registries, "repository">,
  placement: ManifestPlacement,
): Promise<Digest> {
  const { name, reference, bytes, mediaType, from, signal } = placement;
  const credentials = placement.credentials && { credentials: placement.credentials };
  const target = registries.repository(name, { action: "push", ...credentials });
  const blobs = blobsOf(bytes);
  if (from !== undefined && from !== name) {
    const source = registries.repository(from, { action: "pull", ...credentials });
    for (const blob of blobs) await bringBlob(blob, { source, target, signal });
  }
  return target.putManifest(reference, { bytes, mediaType }, signal);
}

interface Way {
  readonly source: RemoteRepository;
  readonly target: RemoteRepository;
  readonly signal: AbortSignal;
}

async function bringBlob(blob: Descriptor, { source, target, signal }: Way): Promise<void> {
  if (await target.hasBlob(blob.digest, signal)) return;
  const { path } = splitRepository(source.name);
  if (await target.mountBlob(blob.digest, path, signal)) return;
  const { digest, size } = blob;
  await target.pushBlob({ digest, size, open: (offset) => source.blob(blob, { signal, offset }) }, { signal });
}

/** The blobs that the document itself names; those of an index are its manifests' affair. */
function blobsOf(bytes: Uint8Array): Descriptor[] {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new EngineError("invalid-parameter", `put manifest: not JSON: ${messageOf(cause)}`, { cause });
  }
  if (typeof document !== "object" || document === null) throw notManifest();
  const { config, layers = [] } = document as { config?: unknown; layers?: unknown };
  if (config === undefined) return [];
  if (!Array.isArray(layers) || ![config, ...layers].every(isDescriptor)) throw notManifest();
  return [config, ...layers] as Descriptor[];
}

function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== "object" || value === null) return false;
  const { digest, size } = value as Partial<Descriptor>;
  return typeof digest === "string" && isDigest(digest) && Number.isSafeInteger(size) && (size ?? -1) >= 0;
}

function notManifest(): EngineError {
  return new EngineError("invalid-parameter", "put manifest: neither a manifest nor an index");
}
