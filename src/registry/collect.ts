import type { Digest } from "#api/oci";
import { nextTurn } from "#lib/async";
import { abandonUpload } from "./content.ts";
import { nowMs, type Parts } from "./parts.ts";
import type { CollectReport } from "./registry.ts";
import { DEFAULT_GRACE_MS, DEFAULT_UPLOAD_EXPIRY_MS } from "./settings.ts";

/** How many things are decided on between two looks at requests that wait. */
const BATCH = 256;

/**
 * Takes away what nothing has referred to for the time of grace. Writes go on meanwhile: each decision is one step against the
 * reference counts, and bytes go only under the lock that whoever links the same bytes holds, too.
 *
 * From the outside in: uploads, manifests, blobs out of repositories, bytes that are in no repository. With `sweep`, also bytes that the
 * metadata knows nothing of, which a crash leaves; that reads the whole list of blobs.
 */
export async function collect(parts: Parts, options: { sweep?: boolean } = {}): Promise<CollectReport> {
  // Whoever has lost the storage to another process learns it here, and removes nothing.
  await parts.manifests.durable();
  const uploads = await collectUploads(parts);
  const manifests = await collectManifests(parts);
  await unlinkBlobs(parts);
  const unlinked = await removeUnlinked(parts);
  const swept = options.sweep ? await sweep(parts) : { blobs: 0, bytes: 0, uploads: 0 };
  parts.manifests.forgetEmptyRepositories();
  return {
    uploads: uploads + swept.uploads,
    manifests,
    blobs: unlinked.blobs + swept.blobs,
    bytes: unlinked.bytes + swept.bytes,
  };
}

async function collectUploads(parts: Parts): Promise<number> {
  const { uploadExpiryMs = DEFAULT_UPLOAD_EXPIRY_MS } = parts.settings;
  const expired = parts.manifests
    .uploadsIdleSince(nowMs(parts) - uploadExpiryMs)
    .filter((id) => !parts.active.isActive(id));
  for (const id of expired) await parts.active.run(id, () => abandonUpload(parts, id));
  return expired.length;
}

/** An index goes before the manifests that it lists: they become idle then, and have their own time of grace. */
async function collectManifests(parts: Parts): Promise<number> {
  let removed = 0;
  for (const repository of allRepositories(parts)) {
    const { untaggedAfterMs } = parts.rules.of(repository);
    if (untaggedAfterMs === undefined) continue;
    const sinceMs = nowMs(parts) - untaggedAfterMs;
    for (;;) {
      const idle = parts.manifests.manifestsIdleSince(repository, sinceMs, BATCH);
      for (const digest of idle) parts.manifests.removeManifest(repository, digest);
      removed += idle.length;
      if (idle.length < BATCH) break;
      await nextTurn();
    }
  }
  return removed;
}

export function* allRepositories(parts: Parts): Generator<string> {
  let last: string | undefined;
  do {
    const names = parts.manifests.repositories({ limit: BATCH, ...(last === undefined ? {} : { last }) });
    yield* names;
    last = names.at(-1);
  } while (last !== undefined);
}

async function unlinkBlobs(parts: Parts): Promise<void> {
  const { graceMs = DEFAULT_GRACE_MS } = parts.settings;
  const sinceMs = nowMs(parts) - graceMs;
  for (;;) {
    const idle = parts.manifests.blobsIdleSince(sinceMs, BATCH);
    for (const { repository, digest } of idle) parts.manifests.unlinkBlob(repository, digest);
    if (idle.length < BATCH) return;
    await nextTurn();
  }
}

async function removeUnlinked(parts: Parts): Promise<{ blobs: number; bytes: number }> {
  const removed = { blobs: 0, bytes: 0 };
  for (;;) {
    const digests = parts.manifests.unlinkedBlobs(BATCH);
    for (const digest of digests) {
      const bytes = await removeBytes(parts, digest, () => parts.manifests.forgetBlob(digest));
      if (bytes === undefined) continue;
      removed.blobs += 1;
      removed.bytes += bytes;
    }
    if (digests.length < BATCH) return removed;
  }
}

/** Removes the bytes of a blob if, at the last moment, nobody wants them; how many they were. */
function removeBytes(parts: Parts, digest: Digest, isGarbage: () => boolean): Promise<number | undefined> {
  return parts.linking.run(digest, async () => {
    if (!isGarbage()) return undefined;
    // What was forgotten must not come back after a power cut without its bytes.
    await parts.manifests.durable();
    const size = await parts.blobs.find(digest);
    await parts.blobs.remove(digest);
    return size ?? 0;
  });
}

/** Bytes without a record: whoever stores bytes makes the record in the same turn of the lock, uploads have theirs before. */
async function sweep(parts: Parts): Promise<{ blobs: number; bytes: number; uploads: number }> {
  const removed = { blobs: 0, bytes: 0, uploads: 0 };
  for await (const digest of parts.blobs.list()) {
    if (parts.manifests.knowsBlob(digest)) continue;
    const bytes = await removeBytes(parts, digest, () => !parts.manifests.knowsBlob(digest));
    if (bytes === undefined) continue;
    removed.blobs += 1;
    removed.bytes += bytes;
  }
  for await (const id of parts.blobs.listUploads()) {
    if (parts.manifests.knowsUpload(id)) continue;
    await parts.manifests.durable();
    await parts.blobs.removeUpload(id);
    removed.uploads += 1;
  }
  return removed;
}
