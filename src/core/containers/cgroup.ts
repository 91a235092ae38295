import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { CgroupFacts } from "#core/runtime";
import type { HostOp } from "#executor";
import type { Context } from "./context.ts";

/** The directories of one cgroup: one in each controller's tree on v1, one in all on v2. */
export function cgroupDirectories(cgroups: CgroupFacts, path: string): string[] {
  const roots = new Set([...Object.values(cgroups.v1), ...(cgroups.unified ? [cgroups.unified] : [])]);
  return [...roots].map((root) => join(root, path));
}

/** The directory whose `cgroup.procs` lists every process of a container. */
export function processDirectory(cgroups: CgroupFacts, path: string): string {
  if (cgroups.mode === "v2") return join(cgroups.unified, path);
  const root = cgroups.v1.pids ?? cgroups.v1.freezer ?? cgroups.v1.memory ?? Object.values(cgroups.v1)[0] ?? "";
  return join(root, path);
}

interface Freezer {
  readonly file: string;
  /** What is written to freeze and to thaw. */
  readonly frozen: string;
  readonly thawed: string;
  /** The file that tells when every process is frozen, and how. */
  readonly status: string;
  readonly isFrozen: RegExp;
}

/** A hybrid host may have the freezer in either tree. */
export function freezer(cgroups: CgroupFacts, path: string): Freezer {
  const v1 = cgroups.v1.freezer;
  if (v1 !== undefined) {
    const file = join(v1, path, "freezer.state");
    return { file, frozen: "FROZEN", thawed: "THAWED", status: file, isFrozen: /^FROZEN$/m };
  }
  const directory = join(cgroups.unified, path);
  return {
    file: join(directory, "cgroup.freeze"),
    frozen: "1",
    thawed: "0",
    status: join(directory, "cgroup.events"),
    isFrozen: /^frozen 1$/m,
  };
}

/** Kills what is left in a cgroup and removes it. */
export function cleanUpCgroup(cgroups: CgroupFacts, path: string): HostOp[] {
  const directories = cgroupDirectories(cgroups, path);
  return [
    { op: "kill-cgroup", path: processDirectory(cgroups, path) },
    ...directories.map((directory): HostOp => ({ op: "remove", path: directory, retryMs: CGROUP_RETRY_MS })),
  ];
}

/** Removes the cgroups in which all containers were, unless another engine on this machine has some there. */
export async function removeParent({ host, defaults }: Pick<Context, "host" | "defaults">): Promise<void> {
  // The executor's `remove` would take nested ones along, which may be of another engine.
  for (const path of cgroupDirectories(host.cgroups, defaults.cgroupParent)) await rmdir(path).catch(() => undefined);
}

/** How long the kernel may take to let go of a killed cgroup. */
const CGROUP_RETRY_MS = 2000;
