/** Immutable blobs by digest. */
export type { ContentStore } from "./content.ts";
export { digestOf } from "./digest.ts";
export type { Lease } from "./leases.ts";
export { createContentStore } from "./store.ts";
