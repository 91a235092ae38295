/** Layers as filesystems, and what containers write over them. */
export { chainIDOf } from "./chain.ts";
export type { DriverOptions } from "./driver.ts";
export { createErofsSnapshotter } from "./erofs.ts";
export { createOverlaySnapshotter } from "./overlay.ts";
export { type DriverName, type SelectOptions, selectSnapshotter } from "./select.ts";
export type { ChainID, DiffID, Mount, RootMounts, Snapshotter } from "./snapshot.ts";
export { createVfsSnapshotter } from "./vfs.ts";
