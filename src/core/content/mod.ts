/** Immutable blobs by digest. */
export type { ContentStore, Descriptor, Digest } from "./content.ts";
export { digestOf, parseDigest } from "./digest.ts";
export type { Lease } from "./leases.ts";
export { createContentStore } from "./store.ts";
