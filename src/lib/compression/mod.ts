/** Compressed streams: telling them apart and reading them. */
export { decompress } from "./decompress.ts";
export { peek } from "./peek.ts";
