import type { ContentStore } from "#core/content";
import type { Executor } from "#executor";
import type { Trash } from "#lib/fs";
import type { Workers } from "#lib/workers";
import type { Mount, RootMounts, Scratch } from "./snapshot.ts";

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
