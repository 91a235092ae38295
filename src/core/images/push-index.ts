import { splitRepository } from "#api/distribution";
import type { Descriptor, Digest } from "#api/oci";
import type { RemoteRepository } from "#core/distribution";
import { isKind } from "#lib/errors";
import { INDEX_DEPTH_LIMIT, isForeign, type ManifestDocument, parseManifest } from "./manifest-document.ts";
import type { Push } from "./push.ts";
import { sendBlobs, sourcesAt } from "./push-blob.ts";
import { type PushedManifest, prepareLines, pushOriginal } from "./push-image.ts";

/** What of an index could not be had. */
export interface Missing {
  readonly missing: Descriptor;
}

/** Brings all that an index lists to the registry; the index itself is still to be put. */
export async function pushIndexParts(push: Push, digest: Digest, depth = 1): Promise<PushedManifest | Missing> {
  const { context, lease, repository, signal } = push;
  lease.add(digest);
  const bytes = await context.content.read(digest);
  const document = parseManifest(bytes);
  if (document.kind !== "index") throw new TypeError(`manifest ${digest} is no index`);
  const { entries, mediaType } = document;
  const isHere = (entry: Descriptor) => context.records.manifests.find(entry.digest) !== undefined;
  // What cannot be had shows among what is not here, before anything large is sent.
  for (const entry of entries.filter((listed) => !isHere(listed))) {
    if (!(await bringFromRegistry(push, digest, entry))) return { missing: entry };
  }
  const parts: PushedManifest[] = [];
  for (const entry of entries.filter(isHere)) {
    const pushed = await pushEntry(push, entry, depth);
    if (!pushed || "missing" in pushed) return pushed ?? { missing: entry };
    await repository.putManifest(pushed.digest, pushed, signal);
    parts.push(pushed);
  }
  return { digest, bytes, mediaType, parts: parts.flatMap((part) => [part.digest, ...part.parts]) };
}

async function pushEntry(push: Push, entry: Descriptor, depth: number): Promise<PushedManifest | Missing | undefined> {
  const { context } = push;
  const known = context.records.manifests.find(entry.digest);
  if (known?.imageID !== undefined) {
    const layers = context.records.layers(known.imageID);
    prepareLines(push, layers);
    return await pushOriginal(push, entry.digest, layers);
  }
  push.lease.add(entry.digest);
  const bytes = await context.content.read(entry.digest);
  const document = parseManifest(bytes);
  if (document.kind === "index")
    return depth < INDEX_DEPTH_LIMIT ? await pushIndexParts(push, entry.digest, depth + 1) : undefined;
  const blobs = blobsOf(document);
  const isWhole = await sendBlobs(
    push,
    blobs.map((descriptor) => ({ descriptor })),
  );
  if (!isWhole) return undefined;
  return { digest: entry.digest, bytes, mediaType: document.mediaType, parts: blobs.map((blob) => blob.digest) };
}

/** A manifest that is not here: there it may be already, or in another repository of the same registry, which mounts it. */
async function bringFromRegistry(push: Push, index: Digest, entry: Descriptor): Promise<boolean> {
  const { context, repository, credentials, signal } = push;
  if (await isAt(repository, entry.digest, signal)) return true;
  for (const name of sourcesAt(context.records, repository.name, index)) {
    const source = context.registries.repository(name, { action: "pull", ...(credentials ? { credentials } : {}) });
    if (await mountManifest(push, source, entry.digest)) return true;
  }
  return false;
}

async function mountManifest({ repository, signal }: Push, source: RemoteRepository, digest: Digest): Promise<boolean> {
  const found = await orAbsent(source.manifest(digest, signal));
  const document = found && parseManifest(found.bytes, found.descriptor.mediaType);
  if (!found || document?.kind !== "manifest") return false;
  const { path } = splitRepository(source.name);
  for (const blob of blobsOf(document)) {
    const isThere =
      (await repository.hasBlob(blob.digest, signal)) || (await repository.mountBlob(blob.digest, path, signal));
    if (!isThere) return false;
  }
  await repository.putManifest(digest, { bytes: found.bytes, mediaType: document.mediaType }, signal);
  return true;
}

async function isAt(repository: RemoteRepository, digest: Digest, signal: AbortSignal): Promise<boolean> {
  return (await orAbsent(repository.resolve(digest, signal))) !== undefined;
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isKind(error, "not-found")) return undefined;
    throw error;
  }
}

function blobsOf({ config, layers }: ManifestDocument): Descriptor[] {
  return [config, ...layers].filter((blob) => !isForeign(blob));
}
