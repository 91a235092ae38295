/** Collection of blobs and chains that no record refers to. */
export { createGarbageCollector, type GarbageCollector, type GarbageOptions, type GarbageRoot } from "./garbage.ts";
export { collectRegularly } from "./regularly.ts";
