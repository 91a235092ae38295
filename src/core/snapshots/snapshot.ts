import type { Digest } from "#api/oci";
import type { FileTree } from "./file-tree.ts";

/** The digest of an uncompressed layer tar. */
export type DiffID = Digest;
/** Names a stack of diffIDs (OCI image-spec, "Layer ChainID"). */
export type ChainID = string & { readonly __brand: "ChainID" };

/** A mount as OCI describes it: a value, to be carried out by somebody else. */
export interface Mount {
  /** `erofs`: `source` is the image file, options `device=FILE` in order. `overlay`: options `lowerdir=` (repeated, topmost first), `upperdir=`, `workdir=`. `bind`: option `ro` or `rw`. */
  readonly type: "erofs" | "overlay" | "bind";
  readonly source: string;
  /** Absolute host path. It exists. */
  readonly target: string;
  readonly options: readonly string[];
}

export interface RootMounts {
  /** Mounted once in the executor's own namespace, shared by all containers; mounting twice is harmless. */
  readonly shared: readonly Mount[];
  /** Mounted in the container's own namespace, in order; the last one's target is `path`. */
  readonly own: readonly Mount[];
  /** The root filesystem once these are mounted. */
  readonly path: string;
}

/** Two empty directories of one filesystem. */
export interface Scratch {
  readonly upper: string;
  readonly work: string;
}

export interface SnapshotDiff {
  /** A host path: what was written, with overlayfs's marks for what was removed. */
  readonly path: string;
  /** There are no marks: `path` is the whole tree, and what it lacks was removed. */
  readonly whole: boolean;
  /** The chain, to compare with. */
  readonly below: RootMounts;
}

/** Something on disk that a driver made for chains; several chains may need the same part. */
export interface PreparedPart {
  readonly key: ChainID;
  readonly bytes: number;
}

/** The attribute that overlayfs gives a directory through which nothing of the layers below shows. */
export const OPAQUE_XATTR = "trusted.overlay.opaque";

/**
 * Turns layers into filesystems and keeps what containers write. A **layer** is an uncompressed tar in the content
 * store; a **chain** is a stack of them, bottom first. An **active snapshot** has a key (the container's ID) and a
 * writable part over a chain. All methods may be called again after a crash at any point.
 */
export interface Snapshotter {
  readonly name: string;

  /**
   * Makes a chain ready to mount: indexes or extracts layers that are not ready yet. Idempotent; concurrent calls share the work.
   * @throws `invalid-parameter` for a tar that is malformed or tries to escape; `not-found` when a layer's blob is missing
   */
  prepareChain(chain: readonly DiffID[]): Promise<ChainID>;
  /** What `prepareChain` made for a chain; nothing is made for it. */
  preparedParts(chain: readonly DiffID[]): Promise<readonly PreparedPart[]>;
  /** Drops what `prepareChain` made for chains that are not in `used`. */
  retainChains(used: ReadonlySet<ChainID>): Promise<void>;

  /** Makes a writable snapshot over a prepared chain (empty: over nothing). @throws `already-exists` */
  create(key: string, chain: readonly DiffID[], options?: { owner?: { uid: number; gid: number } }): Promise<void>;
  /** How to mount it. @throws `not-found` */
  mounts(key: string): Promise<RootMounts>;
  /**
   * How to mount it for a look at it as it is now, whoever has it mounted besides. Overlayfs puts what is written there,
   * mount points that are missing, into `scratch`. @throws `not-found`
   */
  look(key: string, scratch: Scratch): Promise<RootMounts>;
  /** Where what a snapshot changed is to be found. @throws `not-found` */
  diff(key: string): Promise<SnapshotDiff>;
  /** A read-only view of a chain. */
  view(chain: readonly DiffID[]): Promise<RootMounts>;
  /** The files of a chain to look into, without a mount. To be disposed of. It may throw as `prepareChain` does. */
  browse(chain: readonly DiffID[]): Promise<FileTree>;
  /**
   * A regular file of the snapshot as its container would see it, symlinks resolved within the root; undefined if
   * there is none, or it is empty or larger than `limitBytes`. Quick for a snapshot that was never mounted: reads the layers.
   */
  readFile(key: string, path: string, limitBytes: number): Promise<Uint8Array | undefined>;
  /** Bytes on disk of the writable part. */
  usage(key: string): Promise<number>;
  /** Bytes of a chain's files, as `SizeRootFs` counts them. */
  chainSize(chain: readonly DiffID[]): Promise<number>;
  /** Absence is fine. */
  remove(key: string): Promise<void>;
  /** Keys of all active snapshots. */
  list(): Promise<string[]>;
}
