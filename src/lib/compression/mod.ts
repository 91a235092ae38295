/** Compressed streams: telling them apart and reading them. */
export { decompress } from "./decompress.ts";
export { type CompressionFormat, detectCompression, MAGIC_BYTES } from "./detect.ts";
export { peek } from "./peek.ts";
