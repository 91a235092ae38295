import { createHash } from "node:crypto";
import { type Digest, hexOf, parseDigest } from "#api/oci";
import { EngineError } from "#lib/errors";

/** The digest of bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/**
 * The name of a blob's file. sha256 is the only algorithm of this store; others are legal (image-spec, "Digests") but unused.
 *
 * @throws `invalid-parameter`, also for a text that only claims to be a digest: no path comes out of one
 */
export function blobName(digest: Digest): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new EngineError("invalid-parameter", `invalid digest "${digest}"`);
  return hexOf(digest);
}
