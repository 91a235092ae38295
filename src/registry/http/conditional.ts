import type { Digest } from "#api/oci";
import type { ByteRange } from "../blobs/blob-store.ts";
import { RegistryError } from "../errors.ts";

/** Whether the client has it already (RFC 9110, "If-None-Match"). What is named by a digest never changes, so weak tags are as good. */
export function isNotModified(request: Request, digest: Digest): boolean {
  const header = request.headers.get("If-None-Match");
  if (header === null) return false;
  return header.split(",").some((one) => {
    const tag = one.trim().replace(/^W\//, "");
    return tag === "*" || tag === etag(digest) || tag === digest;
  });
}

export function etag(digest: Digest): string {
  return `"${digest}"`;
}

/**
 * The part that `Range` asks for; undefined for the whole, also when the header is malformed or asks for several parts, as
 * RFC 9110 ("Range") allows.
 *
 * @throws RANGE_INVALID (416) when it begins behind the end
 */
export function requestedRange(request: Request, blob: { digest: Digest; size: number }): ByteRange | undefined {
  const header = request.headers.get("Range");
  const condition = request.headers.get("If-Range");
  if (header === null || (condition !== null && condition !== etag(blob.digest))) return undefined;
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (match === null || (match[1] === "" && match[2] === "")) return undefined;
  const range = match[1] === "" ? suffix(blob.size, Number(match[2])) : between(blob.size, match);
  if (range === "reversed") return undefined;
  if (range.start >= blob.size)
    throw new RegistryError("RANGE_INVALID", undefined, { headers: { "Content-Range": `bytes */${blob.size}` } });
  return range;
}

function suffix(size: number, length: number): ByteRange {
  return { start: length === 0 ? size : Math.max(0, size - length), end: size - 1 };
}

function between(size: number, match: RegExpExecArray): ByteRange | "reversed" {
  const start = Number(match[1]);
  const end = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  return match[2] !== "" && Number(match[2]) < start ? "reversed" : { start, end };
}
