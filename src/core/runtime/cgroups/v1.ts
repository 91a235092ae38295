import type { BlockIOResources, CpuResources, DeviceRule, MemoryResources, SpecResources } from "#api/oci";
import type { BeforeOp } from "#executor";
import type { CgroupInput } from "./cgroup-plan.ts";
import { ancestors, type CgroupDirectory } from "./paths.ts";

/** Values for the files of one directory, in the order in which they have to be written. */
type Files = readonly (readonly [file: string, value: string | number])[];

/** Directories and limits on hosts whose controllers have a tree each (v1, hybrid). */
export function v1Setup(directories: readonly CgroupDirectory[], input: CgroupInput): BeforeOp[] {
  return directories.flatMap((directory) => [
    ...makeDirectory(directory, input),
    ...limits(directory, input).map(
      ([file, value]): BeforeOp => ({ op: "write", path: `${directory.path}/${file}`, data: String(value), mode: 0 }),
    ),
  ]);
}

function makeDirectory(directory: CgroupDirectory, input: CgroupInput): BeforeOp[] {
  if (controllersOf(directory, input).includes("cpuset")) return cpusetDirectories(directory, input);
  return [{ op: "mkdir", path: directory.path, mode: 0o755, parents: true }];
}

/** Controllers that are mounted together, `cpu` and `cpuacct` for one, share a directory. */
function controllersOf({ mount }: CgroupDirectory, { cgroups }: CgroupInput): string[] {
  return Object.keys(cgroups.v1).filter((controller) => cgroups.v1[controller] === mount);
}

/**
 * A new cpuset holds no CPU and no memory node, and nothing can join it (ENOSPC). So each level that is still empty
 * gets what the level above it has, as runc does.
 */
function cpusetDirectories(directory: CgroupDirectory, { reader }: CgroupInput): BeforeOp[] {
  const inherited = { cpus: "", mems: "" };
  const levels = [directory.mount, ...ancestors(directory), directory.path];
  return levels.flatMap((path, depth) => {
    const ops: BeforeOp[] = depth === 0 ? [] : [{ op: "mkdir", path, mode: 0o755, parents: false }];
    for (const kind of ["cpus", "mems"] as const) {
      const own = reader.readText(`${path}/cpuset.${kind}`)?.trim();
      if (own) inherited[kind] = own;
      else ops.push({ op: "write", path: `${path}/cpuset.${kind}`, data: inherited[kind], mode: 0 });
    }
    return ops;
  });
}

function limits(directory: CgroupDirectory, input: CgroupInput): Files {
  return controllersOf(directory, input).flatMap((controller) => CONTROLLERS[controller]?.(input.resources) ?? []);
}

const CONTROLLERS: Readonly<Record<string, (resources: SpecResources) => Files>> = {
  memory: ({ memory }) => memoryFiles(memory ?? {}),
  cpu: ({ cpu }) => cpuFiles(cpu ?? {}),
  cpuset: ({ cpu }) => [...optional("cpuset.cpus", cpu?.cpus), ...optional("cpuset.mems", cpu?.mems)],
  pids: ({ pids }) => optional("pids.max", pids && (pids.limit > 0 ? pids.limit : "max")),
  devices: ({ devices }) => (devices ?? []).flatMap(deviceFiles),
  blkio: ({ blockIO }) => blkioFiles(blockIO ?? {}),
  hugetlb: ({ hugepageLimits }) =>
    (hugepageLimits ?? []).map(({ pageSize, limit }) => [`hugetlb.${pageSize}.limit_in_bytes`, limit] as const),
};

function optional(file: string, value: string | number | undefined): Files {
  return value === undefined ? [] : [[file, value]];
}

/** In a fresh cgroup both limits are infinite, and swap may never be below memory: memory goes first. */
function memoryFiles({ limit, swap, reservation, kernelTCP, swappiness, disableOOMKiller }: MemoryResources): Files {
  return [
    ...optional("memory.limit_in_bytes", limit),
    ...optional("memory.memsw.limit_in_bytes", swap),
    ...optional("memory.soft_limit_in_bytes", reservation),
    ...optional("memory.kmem.tcp.limit_in_bytes", kernelTCP),
    ...optional("memory.swappiness", swappiness),
    ...optional("memory.oom_control", disableOOMKiller ? 1 : undefined),
  ];
}

/** The real-time and CFS periods bound their quotas, so they go first. */
function cpuFiles({ shares, period, quota, burst, realtimePeriod, realtimeRuntime }: CpuResources): Files {
  return [
    ...optional("cpu.shares", shares),
    ...optional("cpu.cfs_period_us", period),
    ...optional("cpu.cfs_quota_us", quota),
    ...optional("cpu.cfs_burst_us", burst),
    ...optional("cpu.rt_period_us", realtimePeriod),
    ...optional("cpu.rt_runtime_us", realtimeRuntime),
  ];
}

function deviceFiles({ allow, type = "a", major, minor, access = "rwm" }: DeviceRule): Files {
  const file = allow ? "devices.allow" : "devices.deny";
  // The kernel reads a rule for all types as "everything", whatever follows.
  const rule = type === "a" ? "a" : `${type} ${wildcard(major)}:${wildcard(minor)} ${access}`;
  return [[file, rule]];
}

/** -1 is how engines of old wrote "every number". */
function wildcard(number: number | undefined): string {
  return number === undefined || number < 0 ? "*" : String(number);
}

function blkioFiles(blockIO: BlockIOResources): Files {
  const throttles = [
    ["blkio.throttle.read_bps_device", blockIO.throttleReadBpsDevice],
    ["blkio.throttle.write_bps_device", blockIO.throttleWriteBpsDevice],
    ["blkio.throttle.read_iops_device", blockIO.throttleReadIOPSDevice],
    ["blkio.throttle.write_iops_device", blockIO.throttleWriteIOPSDevice],
  ] as const;
  return [
    ...optional("blkio.weight", blockIO.weight),
    ...(blockIO.weightDevice ?? []).map(
      ({ major, minor, weight }) => ["blkio.weight_device", `${major}:${minor} ${weight}`] as const,
    ),
    ...throttles.flatMap(([file, list]) =>
      (list ?? []).map(({ major, minor, rate }) => [file, `${major}:${minor} ${rate}`] as const),
    ),
  ];
}
