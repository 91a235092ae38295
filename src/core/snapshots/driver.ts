import type { ContentStore } from "#core/content";
import type { Executor } from "#executor";
import type { Trash } from "#lib/fs";
import type { Workers } from "#lib/workers";
import type { RootMounts } from "./snapshot.ts";

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

/** A directory as a read-only root. */
export function bindView(source: string, target: string): RootMounts {
  return { shared: [], own: [{ type: "bind", source, target, options: ["ro"] }], path: target };
}
