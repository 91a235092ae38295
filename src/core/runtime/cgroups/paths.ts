import { posix } from "node:path";
import { invalid } from "../errors.ts";
import type { CgroupFacts } from "../types.ts";

/** One hierarchy that a container has a directory in. */
export interface CgroupDirectory {
  /** `memory`, `name=systemd` …, or `unified` for the v2 tree. */
  readonly controller: string;
  readonly mount: string;
  /** The container's directory: `/sys/fs/cgroup/memory/tug/<id>`. */
  readonly path: string;
}

/** Deeper than any real tree, and short of what a path can hold. */
const DEPTH_LIMIT = 32;

/**
 * The cgroup of a container, below every hierarchy's mount: `<parent>/<id>`. A parent of the user's is taken from
 * the root of the hierarchies, as a clean path that cannot lead out of them.
 */
export function cgroupsPath({ parent, id }: { parent: string; id: string }): string {
  return posix.join(posix.normalize(`/${parent}`), id);
}

/** The container's directory in every hierarchy of the host, each once: controllers mounted together share theirs. */
export function cgroupDirectories(path: string, cgroups: CgroupFacts): CgroupDirectory[] {
  const clean = posix.normalize(`/${path}`);
  const depth = clean.split("/").length - 1;
  if (clean === "/" || depth > DEPTH_LIMIT || clean.includes("\n")) throw invalid(`invalid cgroups path: "${path}"`);
  const mounts = new Map<string, string>();
  for (const [controller, mount] of Object.entries(cgroups.v1)) {
    if (!mounts.has(mount)) mounts.set(mount, controller);
  }
  if (cgroups.unified) mounts.set(cgroups.unified, "unified");
  return [...mounts].map(([mount, controller]) => ({ controller, mount, path: posix.join(mount, clean) }));
}

/** The directories above a container's in its hierarchy, outermost first, the mount itself left out. */
export function ancestors({ mount, path }: CgroupDirectory): string[] {
  const parts = path
    .slice(mount.length + 1)
    .split("/")
    .slice(0, -1);
  return parts.map((_, index) => posix.join(mount, ...parts.slice(0, index + 1)));
}

/** The file that counts a container's OOM kills; empty where the kernel has none. */
export function oomPath(path: string, cgroups: CgroupFacts): string {
  const clean = posix.normalize(`/${path}`);
  if (cgroups.mode === "v2") return posix.join(cgroups.unified, clean, "memory.events");
  return cgroups.v1.memory ? posix.join(cgroups.v1.memory, clean, "memory.oom_control") : "";
}
