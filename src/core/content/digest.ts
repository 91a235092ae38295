import { createHash } from "node:crypto";
import { EngineError } from "#lib/errors";
import type { Digest } from "./content.ts";

/**
 * Checks a digest. sha256 is the only algorithm of this store; others are legal (image-spec, "Digests") but unused.
 *
 * @throws EngineError `invalid-parameter`
 */
export function parseDigest(text: string): Digest {
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) throw new EngineError("invalid-parameter", `invalid digest "${text}"`);
  return text as Digest;
}

/** The digest of bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}
