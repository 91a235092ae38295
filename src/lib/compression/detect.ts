export type CompressionFormat = "gzip" | "zstd" | "xz" | "bzip2";

/** So many bytes are enough to tell a format. */
export const MAGIC_BYTES = 6;

const MAGIC: ReadonlyArray<readonly [CompressionFormat, readonly number[]]> = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

/** Tells from the first bytes how a stream is compressed; undefined when it is not, as far as one can see. */
export function detectCompression(head: Uint8Array): CompressionFormat | undefined {
  if (isZstdSkippable(head)) return "zstd";
  return MAGIC.find(([, magic]) => magic.every((byte, index) => head[index] === byte))?.[0];
}

/** A zstd stream may begin with a frame of foreign data, 0x184D2A50 to …5F (RFC 8878, 3.1.2). */
function isZstdSkippable(head: Uint8Array): boolean {
  return ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
}
