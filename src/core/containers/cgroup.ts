import { join } from "node:path";
import type { CgroupFacts } from "#core/runtime";
import type { HostOp } from "#executor";

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

/** The file that freezes a container, what is written to freeze and thaw, and what it then reads. */
export function freezer(cgroups: CgroupFacts, path: string) {
  if (cgroups.mode === "v2") {
    const file = join(cgroups.unified, path, "cgroup.freeze");
    return {
      file,
      frozen: "1",
      thawed: "0",
      status: join(cgroups.unified, path, "cgroup.events"),
      isFrozen: /^frozen 1$/m,
    };
  }
  const file = join(cgroups.v1.freezer ?? "", path, "freezer.state");
  return { file, frozen: "FROZEN", thawed: "THAWED", status: file, isFrozen: /^FROZEN$/m };
}

/** Kills what is left in a cgroup and removes it. */
export function cleanUpCgroup(cgroups: CgroupFacts, path: string): HostOp[] {
  const directories = cgroupDirectories(cgroups, path);
  return [
    { op: "kill-cgroup", path: processDirectory(cgroups, path) },
    ...directories.map((directory): HostOp => ({ op: "remove", path: directory, retryMs: CGROUP_RETRY_MS })),
  ];
}

/** How long the kernel may take to let go of a killed cgroup. */
const CGROUP_RETRY_MS = 2000;
