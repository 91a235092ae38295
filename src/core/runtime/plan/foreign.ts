import type { Mount } from "#core/snapshots";
import type { BesideOp, ProcessPlan } from "#executor";
import { invalid } from "../errors.ts";
import type { PlanInput } from "../runtime.ts";
import { dropMounts, rootMountOps, sharedShm } from "./compile.ts";

/**
 * The plan around another OCI runtime, which is given the document as its bundle's `config.json` and makes namespaces,
 * cgroups and mounts itself. Left to us are the root filesystem, that the runtime finds mounted, and the network: `beside`
 * between its `create` and its `start`, and `inside`, netlink only, in the network namespace of the process it made.
 *
 * @throws `invalid-parameter` with `--init`: tug's init is started by tug's executor alone
 */
export function compileForeignPlan(input: PlanInput): ProcessPlan {
  const { root, network } = input;
  if (input.init) throw invalid("--init needs tug's own runtime: leave out --init or --runtime");
  return {
    before: [...rootMountOps(root), ...sharedShm(input)],
    clone: { create: [], join: [], uidMap: [], gidMap: [], cgroup: "", cgroupTasks: [] },
    // The runtime has its own copy of the mounts by then; ours would stay in the namespace that all monitors start from.
    beside: [...(network?.beside ?? []), ...root.own.toReversed().map(release)],
    inside: network?.inside ?? [],
    after: [...(network?.after ?? []), ...dropMounts(input)],
  };
}

function release({ target }: Mount): BesideOp {
  return { op: "umount", path: target, detach: true };
}
