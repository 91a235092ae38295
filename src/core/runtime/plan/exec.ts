import type { Process, Spec } from "#api/oci";
import type { ChildOp, NamespaceKind, ProcessPlan } from "#executor";
import { joinCgroups } from "../cgroups/cgroup-plan.ts";
import { invalid } from "../errors.ts";
import { capabilityNames } from "../linux/capabilities.ts";
import { allGroups, withHome } from "../spec/process.ts";
import type { ExecOptions, HostFacts } from "../types.ts";
import { processOps } from "./process.ts";

/** The files of /proc/PID/ns, in the order in which they are entered: the user namespace gives rights in the others. */
const NAMESPACE_FILES: readonly (readonly [kind: NamespaceKind, file: string])[] = [
  ["user", "user"],
  ["ipc", "ipc"],
  ["uts", "uts"],
  ["network", "net"],
  ["pid", "pid"],
  ["cgroup", "cgroup"],
  ["mount", "mnt"],
];

/**
 * A plan that enters the namespaces and cgroups of a running container, and runs a program there with its limits, its
 * filter and (unless privileged) its capabilities.
 *
 * @param pid the container's first process, as the host sees it
 */
export function compileExecPlan(spec: Spec, pid: number, options: ExecOptions, host: HostFacts): ProcessPlan {
  const container = spec.process;
  if (!container) throw invalid("runtime-spec document: it has no process");
  const own = new Set<string>(spec.linux?.namespaces?.map(({ type }) => type));
  const inside: ChildOp[] = processOps(execProcess(container, options, host), {
    seccomp: spec.linux?.seccomp,
    architecture: host.architecture,
    init: false,
    createCwd: false,
  });
  return {
    before: [],
    clone: {
      create: [],
      join: NAMESPACE_FILES.filter(([kind]) => own.has(kind)).map(([kind, file]) => ({
        kind,
        path: `/proc/${pid}/ns/${file}`,
      })),
      uidMap: [],
      gidMap: [],
      ...joinCgroups(spec.linux?.cgroupsPath ?? "", host.cgroups),
    },
    beside: [],
    inside,
    after: [],
  };
}

/** The container's process with another program, user and place. A privileged exec gets every capability, and no AppArmor profile. */
function execProcess(container: Process, options: ExecOptions, host: HostFacts): Process {
  const { apparmorProfile, ...rest } = container;
  const all = capabilityNames(host.capabilities);
  return {
    ...rest,
    ...(options.privileged
      ? { capabilities: { bounding: all, effective: all, permitted: all } }
      : apparmorProfile
        ? { apparmorProfile }
        : {}),
    terminal: options.tty,
    user: { uid: options.user.uid, gid: options.user.gid, additionalGids: allGroups(options.user) },
    args: options.argv,
    env: withHome(options.env, options.user.home),
    cwd: options.cwd || "/",
  };
}
