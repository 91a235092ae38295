/** Layers as filesystems, and what containers write over them. */
export { diskUsage } from "./_active.ts";
export { browseLayers } from "./_inode-files.ts";
export { buildLayerTree } from "./_layers.ts";
export { chainIDOf } from "./chain.ts";
export { type ByteRange, type FileEntry, type FileStat, type FileTree, readContent, readExtent } from "./file-tree.ts";
export { SNAPSHOT_JOBS } from "./jobs.ts";
export { type DriverName, parseDriverName, selectSnapshotter } from "./select.ts";
export {
  type ChainID,
  type DiffID,
  type Mount,
  OPAQUE_XATTR,
  type PreparedPart,
  type RootMounts,
  type SnapshotDiff,
  type Snapshotter,
} from "./snapshot.ts";
