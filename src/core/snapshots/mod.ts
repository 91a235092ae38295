/** Layers as filesystems, and what containers write over them. */
export { chainIDOf } from "./chain.ts";
export { createErofsSnapshotter, type ErofsSnapshotterOptions } from "./erofs.ts";
export type { ChainID, Change, DiffID, Mount, RootMounts, Snapshotter } from "./snapshot.ts";
