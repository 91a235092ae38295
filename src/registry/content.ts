import type { Digest } from "#api/oci";
import { isKind } from "#lib/errors";
import { type ParsedManifest, parseManifest, type Reference } from "./documents/parse-manifest.ts";
import { RegistryError } from "./errors.ts";
import type { Parts } from "./parts.ts";
import type { RegistryContent } from "./registry.ts";

/** How many missing digests a message tells. */
const TOLD_MISSING = 10;

/**
 * Makes an upload a blob of the repository, durably.
 *
 * @throws DIGEST_INVALID, BLOB_UPLOAD_UNKNOWN, DENIED beyond the quota; the upload is gone after each of these
 */
export async function finishUpload(
  parts: Parts,
  upload: { readonly repository: string; readonly id: string; readonly digest: Digest },
): Promise<{ size: number }> {
  const { repository, id, digest } = upload;
  try {
    return await parts.linking.run(digest, async () => {
      const stored = await parts.blobs.finishUpload(id, digest);
      parts.manifests.endUpload(id);
      await link(parts, repository, { digest, size: stored.size });
      return stored;
    });
  } catch (error) {
    const gone = goneUpload(error, digest);
    if (gone !== undefined) parts.manifests.endUpload(id);
    throw gone ?? error;
  }
}

/**
 * What arrives is held to the quota on its way; here it is the sum of what arrived side by side, and nothing comes between asking and
 * linking.
 */
async function link(
  parts: Parts,
  repository: string,
  { digest, size }: { digest: Digest; size: number },
): Promise<void> {
  const isNew = parts.manifests.findBlob(repository, digest) === undefined;
  const fits = !isNew || size <= roomIn(parts, repository);
  if (fits) parts.manifests.linkBlob(repository, digest, size);
  await parts.manifests.durable();
  if (fits) return;
  if (!parts.manifests.knowsBlob(digest)) await parts.blobs.remove(digest);
  throw quotaExceeded(parts, repository);
}

/** What to tell when storing an upload under its digest failed so that the upload is no more. */
function goneUpload(error: unknown, digest: Digest): RegistryError | undefined {
  if (isKind(error, "not-found")) return new RegistryError("BLOB_UPLOAD_UNKNOWN");
  if (isKind(error, "invalid-parameter"))
    return new RegistryError("DIGEST_INVALID", error.message, { detail: { digest } });
  return undefined;
}

export async function abandonUpload(parts: Parts, id: string): Promise<void> {
  await parts.blobs.removeUpload(id);
  parts.manifests.endUpload(id);
}

/** How many bytes a repository may still take. */
export function roomIn(parts: Parts, repository: string): number {
  const { quotaBytes = Number.POSITIVE_INFINITY } = parts.rules.of(repository);
  return Math.max(0, quotaBytes - parts.manifests.usedBytes(repository));
}

export function quotaExceeded(parts: Parts, repository: string): RegistryError {
  const { quotaBytes } = parts.rules.of(repository);
  return new RegistryError(
    "DENIED",
    `repository "${repository}" may hold ${quotaBytes} bytes and has ${parts.manifests.usedBytes(repository)}: ` +
      "delete something or have the quota raised",
  );
}

/**
 * Makes a blob of one repository one of another; false when it is not there.
 *
 * @throws DENIED beyond the quota
 */
export async function mountBlob(
  parts: Parts,
  mount: { readonly repository: string; readonly from: string; readonly digest: Digest },
): Promise<boolean> {
  const { repository, from, digest } = mount;
  const blob = parts.manifests.findBlob(from, digest);
  if (blob === undefined) return false;
  const isNew = parts.manifests.findBlob(repository, digest) === undefined;
  if (isNew && blob.size > roomIn(parts, repository)) throw quotaExceeded(parts, repository);
  parts.manifests.linkBlob(repository, digest, blob.size);
  await parts.manifests.durable();
  return true;
}

/**
 * Stores a manifest and moves its tag. What is checked and what is written is one step that nothing comes between.
 *
 * @throws MANIFEST_BLOB_UNKNOWN, MANIFEST_INVALID for a size that is wrong, DENIED for an immutable tag or beyond the quota
 */
export async function storeManifest(
  parts: Parts,
  repository: string,
  parsed: ParsedManifest & { readonly tag?: string; readonly allowMissing?: boolean },
): Promise<void> {
  const { manifest, tag } = parsed;
  if (!(parsed.allowMissing ?? parts.settings.allowMissingReferences)) checkReferences(parts, repository, parsed);
  if (tag !== undefined) checkTagMoves(parts, repository, { tag, to: manifest.digest });
  const isNew = parts.manifests.findManifest(repository, manifest.digest) === undefined;
  if (isNew && manifest.bytes.byteLength > roomIn(parts, repository)) throw quotaExceeded(parts, repository);
  parts.manifests.putManifest(repository, manifest, tag);
  await parts.manifests.durable();
}

function checkReferences(parts: Parts, repository: string, parsed: ParsedManifest): void {
  const missing = [
    ...parsed.blobs.filter((blob) => !blob.isForeign && !hasBlobOfSize(parts, repository, blob)),
    ...parsed.manifests.filter(({ digest }) => parts.manifests.findManifest(repository, digest) === undefined),
  ];
  if (missing.length === 0) return;
  const digests = missing.slice(0, TOLD_MISSING).map(({ digest }) => digest);
  throw new RegistryError("MANIFEST_BLOB_UNKNOWN", undefined, { detail: { digests, missing: missing.length } });
}

function hasBlobOfSize(parts: Parts, repository: string, blob: Reference): boolean {
  const found = parts.manifests.findBlob(repository, blob.digest);
  if (found !== undefined && found.size !== blob.size)
    throw new RegistryError(
      "MANIFEST_INVALID",
      `manifest invalid: size of "${blob.digest}" is ${found.size}, not ${blob.size}`,
    );
  return found !== undefined;
}

function checkTagMoves(parts: Parts, repository: string, move: { readonly tag: string; readonly to: Digest }): void {
  const current = parts.manifests.findTag(repository, move.tag);
  if (current !== undefined && current !== move.to) assertMutable(parts, repository, [move.tag]);
}

/** @throws DENIED when one of the tags may neither move nor go */
export function assertMutable(parts: Parts, repository: string, tags: readonly string[]): void {
  const immutable = tags.find((tag) => parts.rules.of(repository).isImmutable(tag));
  if (immutable !== undefined)
    throw new RegistryError("DENIED", `tag "${immutable}" of repository "${repository}" is immutable`);
}

/** The domain as a pull-through cache fills it. */
export function createContent(parts: Parts): RegistryContent {
  return {
    findTag: (repository, tag) => parts.manifests.findTag(repository, tag),
    hasManifest: (repository, digest) => parts.manifests.findManifest(repository, digest) !== undefined,
    hasBlob: (repository, digest) => parts.manifests.findBlob(repository, digest) !== undefined,
    async putManifest(repository, { bytes, mediaType, digest, tag }) {
      const parsed = parseManifest(bytes, { contentType: mediaType, expected: digest });
      await storeManifest(parts, repository, { ...parsed, allowMissing: true, ...(tag === undefined ? {} : { tag }) });
    },
    async removeManifest(repository, digest) {
      parts.manifests.removeManifest(repository, digest);
      await parts.manifests.durable();
    },
    async putBlob(repository, digest, source) {
      const id = parts.newId();
      parts.manifests.startUpload(repository, id);
      try {
        await parts.blobs.startUpload(id);
        await parts.blobs.append(id, source);
      } catch (error) {
        await abandonUpload(parts, id);
        throw error;
      }
      return await finishUpload(parts, { repository, id, digest });
    },
  };
}
