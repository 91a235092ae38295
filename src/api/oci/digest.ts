import { EngineError } from "#lib/errors";

/** `sha256:…`: the digest of bytes as stored, algorithm included. */
export type Digest = string & { readonly __brand: "Digest" };

const DIGEST_SHAPE = /^[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+$/;
const HEX_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/**
 * The messages are those of OCI's go-digest, which Docker passes on.
 *
 * @throws `invalid-parameter`
 */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(":");
  if (colon <= 0 || colon + 1 === text.length || !DIGEST_SHAPE.test(text)) throw malformed("format");
  const length = Object.hasOwn(HEX_LENGTHS, text.slice(0, colon)) ? HEX_LENGTHS[text.slice(0, colon)] : undefined;
  if (length === undefined) throw new EngineError("invalid-parameter", "unsupported digest algorithm");
  const hex = text.slice(colon + 1);
  if (hex.length !== length) throw malformed("length");
  if (/[A-F]/.test(hex)) throw malformed("format");
  return text as Digest;
}

export function isDigest(text: string): text is Digest {
  try {
    parseDigest(text);
    return true;
  } catch {
    return false;
  }
}

/** The part after the algorithm. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

function malformed(what: "format" | "length"): EngineError {
  return new EngineError("invalid-parameter", `invalid checksum digest ${what}`);
}
