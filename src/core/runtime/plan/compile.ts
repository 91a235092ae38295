import type { Linux, Spec, SpecNamespaceType } from "#api/oci";
import type { Mount, RootMounts } from "#core/snapshots";
import type { AfterOp, BeforeOp, ChildOp, CloneSpec, MountOp, NamespaceKind, ProcessPlan } from "#executor";
import { MS, propagationFlags } from "#lib/mount";
import { type CgroupPlan, cgroupPlan } from "../cgroups/cgroup-plan.ts";
import { invalid } from "../errors.ts";
import type { PlanInput } from "../runtime.ts";
import { sysctlPath } from "../spec/sysctls.ts";
import { deviceOps } from "./devices.ts";
import { cgroupRemounts, idMap, mountOps } from "./mounts.ts";
import { processOps } from "./process.ts";

/**
 * Turns a runtime-spec document, the mounts of a root filesystem and an endpoint into the plan of a container.
 *
 * @throws `invalid-parameter` for a document that asks for what this host or executor cannot do
 */
export function compilePlan(input: PlanInput): ProcessPlan {
  const { spec, network } = input;
  const linux = spec.linux ?? {};
  checkDocument(spec);
  const cgroup = cgroupPlan({
    path: linux.cgroupsPath ?? "",
    resources: linux.resources ?? {},
    cgroups: input.host.cgroups,
    reader: input.reader,
  });
  return {
    before: [...cgroup.before, ...input.root.shared.map(rootMount), ...sharedShm(input)],
    clone: cloneSpec(linux, cgroup),
    beside: network?.beside ?? [],
    inside: insideOps(input),
    after: [...(network?.after ?? []), ...cgroup.after, ...dropMounts(input)],
  };
}

/** Parts of the specification that nothing in a plan stands for are refused, not left out. */
function checkDocument({ process, hooks, linux }: Spec): void {
  if (!process) throw invalid("runtime-spec document: it has no process");
  if (Object.values(hooks ?? {}).some((list) => list.length > 0))
    throw invalid("runtime-spec document: hooks need another runtime than tug's own (--runtime runc)");
  if (process.selinuxLabel || linux?.mountLabel) throw invalid("runtime-spec document: SELinux labels cannot act here");
  if (!linux?.namespaces?.some(({ type, path }) => type === "mount" && !path)) {
    throw invalid("runtime-spec document: a container needs a mount namespace of its own");
  }
}

function cloneSpec(linux: Linux, cgroup: CgroupPlan): CloneSpec {
  const namespaces = linux.namespaces ?? [];
  return {
    create: namespaces.filter(({ path }) => !path).map(({ type }) => namespaceKind(type)),
    join: namespaces.flatMap(({ type, path }) => (path ? [{ kind: namespaceKind(type), path }] : [])),
    uidMap: idMap(linux.uidMappings),
    gidMap: idMap(linux.gidMappings),
    ...cgroup.join,
  };
}

function namespaceKind(type: SpecNamespaceType): NamespaceKind {
  if (type === "time") throw invalid("runtime-spec document: time namespaces cannot act here");
  return type;
}

/** The order is the one of `create` in the runtimes: network first, since sysctls may name its interfaces. */
function insideOps(input: PlanInput): ChildOp[] {
  const { spec, root, network } = input;
  const linux = spec.linux ?? {};
  const propagation = propagationFlags(linux.rootfsPropagation ?? "");
  return [
    // Whatever the host mounts later may arrive, nothing of ours leaves.
    {
      op: "propagation",
      path: "/",
      flags: linux.rootfsPropagation?.endsWith("private") ? MS.PRIVATE | MS.REC : MS.SLAVE | MS.REC,
    },
    ...(network?.inside ?? []),
    ...root.own.map(rootMount),
    { op: "root", path: root.path },
    ...mountOps(input),
    ...deviceOps(spec, input.reader),
    { op: "pivot", propagation, readonly: spec.root?.readonly ?? false },
    ...(spec.hostname ? [{ op: "hostname", name: spec.hostname } as const] : []),
    ...(spec.domainname ? [{ op: "domainname", name: spec.domainname } as const] : []),
    ...Object.entries(linux.sysctl ?? {}).map(
      ([name, value]): ChildOp => ({ op: "sysctl", key: sysctlPath(name), value }),
    ),
    ...cgroupRemounts(input),
    ...(linux.readonlyPaths ?? []).map((target): ChildOp => ({ op: "readonly", target })),
    ...(linux.maskedPaths ?? []).map((target): ChildOp => ({ op: "mask", target })),
    ...(spec.process
      ? processOps(spec.process, {
          seccomp: linux.seccomp,
          architecture: input.host.architecture,
          init: input.init,
          createCwd: true,
        })
      : []),
  ];
}

/** A mount of the root filesystem as an op. */
function rootMount({ type, source, target, options }: Mount): MountOp {
  const valuesOf = (key: string) =>
    options.filter((option) => option.startsWith(`${key}=`)).map((option) => option.slice(key.length + 1));
  switch (type) {
    case "erofs":
      return { op: "mount-erofs", path: target, image: source, devices: valuesOf("device") };
    case "overlay":
      return {
        op: "mount-overlay",
        path: target,
        lower: valuesOf("lowerdir"),
        upper: valuesOf("upperdir")[0] ?? "",
        work: valuesOf("workdir")[0] ?? "",
        options: options.filter((option) => !/^(lowerdir|upperdir|workdir)=/.test(option)),
      };
    case "bind":
      return { op: "mount-bind", path: target, source, flags: MS.BIND | MS.REC };
  }
}

/** A whole root filesystem for looking at it in a host plan: the shared mounts, then its own. */
export function rootMountOps(root: RootMounts): MountOp[] {
  return [...root.shared, ...root.own].map(rootMount);
}

/** A root filesystem that is one mount, as that of an image is, at a place of the caller's. */
export function mountRoot({ shared, own }: RootMounts, path: string): MountOp[] {
  return [...shared, ...own].map((mount) => rootMount({ ...mount, target: path }));
}

const SHM_FLAGS = MS.NOSUID | MS.NODEV | MS.NOEXEC;

/** The tmpfs that containers share as /dev/shm, on the host before any of them starts. */
export function sharedShm({ shm }: PlanInput): BeforeOp[] {
  if (!shm) return [];
  return [{ op: "mount-tmpfs", path: shm.path, flags: SHM_FLAGS, options: ["mode=1777", `size=${shm.sizeBytes}`] }];
}

/** Takes away what the host has mounted for the container. */
export function dropMounts({ shm, hostMounts }: PlanInput): AfterOp[] {
  return [...(shm ? [shm.path] : []), ...hostMounts].flatMap((path): AfterOp[] => [
    { op: "umount", path, detach: true },
    { op: "remove", path, retryMs: 0 },
  ]);
}
