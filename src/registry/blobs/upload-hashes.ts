import { createHash, type Hash } from "node:crypto";
import type { Digest } from "#api/oci";
import { EngineError } from "#lib/errors";

/** Uploads whose hash is kept between requests. Those beyond it are read once more when they finish. */
const KEPT = 1024;

type Algorithm = "sha256" | "sha512";

/** The algorithm of a digest, one of those that blobs are stored by. @throws `invalid-parameter` */
export function algorithmOf(digest: Digest): Algorithm {
  const algorithm = digest.slice(0, digest.indexOf(":"));
  if (algorithm !== "sha256" && algorithm !== "sha512")
    throw new EngineError("invalid-parameter", "unsupported digest algorithm");
  return algorithm;
}

/**
 * The sha256 of what uploads have received so far, so that finishing one need not read it again. A hash that does not cover all
 * bytes of its upload (the process was restarted, a write failed) is of no use and says so.
 */
export class UploadHashes {
  readonly #hashes = new Map<string, { readonly hash: Hash; size: number }>();

  /** Of bytes that come right after the first `offset` ones. */
  update(id: string, offset: number, bytes: Uint8Array): void {
    let kept = this.#hashes.get(id);
    if (kept === undefined && offset === 0) {
      kept = { hash: createHash("sha256"), size: 0 };
      this.#hashes.set(id, kept);
      this.#evict();
    }
    if (kept?.size === offset) {
      kept.hash.update(bytes);
      kept.size += bytes.byteLength;
    } else this.forget(id);
  }

  /** The digest of the whole upload of `size` bytes, undefined when it has to be read for that. */
  take(id: string, size: number, algorithm: Algorithm): string | undefined {
    const kept = this.#hashes.get(id);
    this.#hashes.delete(id);
    return kept?.size === size && algorithm === "sha256" ? `sha256:${kept.hash.digest("hex")}` : undefined;
  }

  forget(id: string): void {
    this.#hashes.delete(id);
  }

  #evict(): void {
    if (this.#hashes.size <= KEPT) return;
    const [oldest] = this.#hashes.keys();
    if (oldest !== undefined) this.#hashes.delete(oldest);
  }
}

/** The digest of a stream. */
export async function digestOfStream(source: AsyncIterable<Uint8Array>, algorithm: Algorithm): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of source) hash.update(chunk);
  return `${algorithm}:${hash.digest("hex")}`;
}
