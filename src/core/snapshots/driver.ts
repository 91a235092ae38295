import type { ContentStore } from "#core/content";
import type { Executor } from "#executor";
import type { Trash } from "#lib/fs";
import type { Workers } from "#lib/workers";
import type { ActiveSnapshot, ActiveSnapshots } from "./_active.ts";
import type { FileTree } from "./file-tree.ts";
import type { ChainID, DiffID, Mount, PreparedPart, RootMounts, Scratch, SnapshotDiff } from "./snapshot.ts";

/** What every driver is made from. */
export interface DriverOptions {
  /** The driver's own directory. */
  readonly root: string;
  /** Where shared images are mounted, in the executor's mount namespace; under the exec root. */
  readonly imagesDir: string;
  readonly content: ContentStore;
  readonly executor: Executor;
  /** Index layers. */
  readonly workers: Pick<Workers, "run">;
  /** Deletes what was removed. */
  readonly trash: Pick<Trash, "discard">;
}

/** A stack of layers, bottom first, and its name; `hex` is that in the names of files. */
export interface Chain {
  readonly id: ChainID;
  readonly hex: string;
  readonly layers: readonly DiffID[];
}

/** What a driver makes of chains on disk, and how its snapshots are mounted. `openSnapshotter` adds what all drivers share. */
export interface Driver {
  readonly name: string;
  readonly active: ActiveSnapshots;
  open(): Promise<void>;
  /** Makes a chain ready if it is not; for one chain not called twice at a time. */
  prepare(chain: Chain): Promise<void>;
  /** What is there for a chain. */
  parts(chain: Chain): Promise<readonly PreparedPart[]>;
  /** Drops what was made for other chains than these (hex). */
  retain(used: ReadonlySet<string>): Promise<void>;
  /** Puts into a new snapshot's upper directory what its mounts do not bring. */
  fill?(chain: Chain, upper: string): Promise<void>;
  mounts(snapshot: ActiveSnapshot): Promise<RootMounts>;
  look(snapshot: ActiveSnapshot, scratch: Scratch): Promise<RootMounts>;
  diff(snapshot: ActiveSnapshot): Promise<SnapshotDiff>;
  readFile(snapshot: ActiveSnapshot, file: WantedFile): Promise<Uint8Array | undefined>;
  /** Of a chain that is ready. */
  view(chain: Chain): Promise<RootMounts>;
  /** The files of a chain that is ready, and their bytes, for a driver that tells them quicker than the layers do. */
  readonly index?: {
    browse(chain: Chain): Promise<FileTree>;
    size(chain: Chain): Promise<number>;
  };
}

export interface WantedFile {
  readonly path: string;
  readonly limitBytes: number;
}

/**
 * An overlay that is written to. What changes is told by its upper directory alone, so directories are never renamed in place
 * and files never copied up without their content, whatever the host's defaults are; and a host's `index` would not let a
 * snapshot be looked at while it is mounted.
 */
export function overlayMount(
  target: string,
  { lower, upper, work }: Scratch & { readonly lower: readonly string[] },
): Mount {
  const layers = lower.map((path) => `lowerdir=${path}`);
  const options = [...layers, `upperdir=${upper}`, `workdir=${work}`, "redirect_dir=off", "metacopy=off", "index=off"];
  return { type: "overlay", source: "overlay", target, options };
}

/** A directory as a read-only root. */
export function bindView(source: string, target: string): RootMounts {
  return { shared: [], own: [{ type: "bind", source, target, options: ["ro"] }], path: target };
}
