import type { BlockIOResources, CpuResources, MemoryResources, SpecResources } from "#api/oci";
import type { BeforeOp } from "#executor";
import { invalid } from "../errors.ts";
import type { CgroupInput } from "./cgroup-plan.ts";
import { deviceProgram } from "./device-bpf.ts";
import { ancestors, type CgroupDirectory } from "./paths.ts";

type Files = readonly (readonly [file: string, value: string | number])[];

/** Directories and limits on hosts with one tree. Controllers are switched on level by level, down to the container's parent. */
export function v2Setup(directories: readonly CgroupDirectory[], { resources, cgroups }: CgroupInput): BeforeOp[] {
  const [directory] = directories;
  if (!directory) return [];
  const enable = cgroups.controllers.map((controller) => `+${controller}`).join(" ");
  const levels = [directory.mount, ...ancestors(directory)];
  const control = levels.flatMap((path, depth): BeforeOp[] => [
    ...(depth === 0 ? [] : [{ op: "mkdir", path, mode: 0o755, parents: false } as const]),
    { op: "write", path: `${path}/cgroup.subtree_control`, data: enable, mode: 0 },
  ]);
  return [
    ...control,
    { op: "mkdir", path: directory.path, mode: 0o755, parents: false },
    ...files(resources).map(
      ([file, value]): BeforeOp => ({ op: "write", path: `${directory.path}/${file}`, data: String(value), mode: 0 }),
    ),
    { op: "cgroup-devices", path: directory.path, program: deviceProgram(resources.devices ?? []) },
  ];
}

function files(resources: SpecResources): Files {
  return [
    ...memoryFiles(resources.memory ?? {}),
    ...cpuFiles(resources.cpu ?? {}),
    ...optional("cpuset.cpus", resources.cpu?.cpus),
    ...optional("cpuset.mems", resources.cpu?.mems),
    ...optional("pids.max", resources.pids && maximum(resources.pids.limit)),
    ...ioFiles(resources.blockIO ?? {}),
    ...(resources.hugepageLimits ?? []).map(({ pageSize, limit }) => [`hugetlb.${pageSize}.max`, limit] as const),
    ...Object.entries(resources.unified ?? {}).map(unifiedFile),
  ];
}

function optional(file: string, value: string | number | undefined): Files {
  return value === undefined ? [] : [[file, value]];
}

function maximum(limit: number): string | number {
  return limit > 0 ? limit : "max";
}

/** v2 counts swap by itself, the specification memory and swap together. */
function memoryFiles({ limit, swap, reservation }: MemoryResources): Files {
  return [
    ...optional("memory.max", limit && maximum(limit)),
    ...optional("memory.swap.max", swapAlone(swap, limit)),
    ...optional("memory.low", reservation && maximum(reservation)),
  ];
}

function swapAlone(swap: number | undefined, limit: number | undefined): string | number | undefined {
  if (!swap) return undefined;
  if (swap < 0) return "max";
  if (!limit || limit < 0) throw invalid("a limit on memory and swap needs a limit on memory");
  if (swap < limit) throw invalid("the limit on memory and swap is below the limit on memory");
  return swap - limit;
}

/** The kernel's default period, written when only a quota is given, in microseconds. */
const CPU_PERIOD = 100_000;

function cpuFiles({ shares, quota, period, burst }: CpuResources): Files {
  const bandwidth = quota === undefined && period === undefined;
  const limit = quota !== undefined && quota > 0 ? quota : "max";
  return [
    ...optional("cpu.weight", shares ? cpuWeight(shares) : undefined),
    ...optional("cpu.max", bandwidth ? undefined : `${limit} ${period ?? CPU_PERIOD}`),
    ...optional("cpu.max.burst", burst),
  ];
}

/** Shares of 2 to 262144 as a weight of 1 to 10000, with 1024 becoming 100 (opencontainers/cgroups, since 0.0.2). */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

/** A blkio weight of 10 to 1000 as an io weight of 1 to 10000. */
function ioWeight(weight: number): number {
  return 1 + Math.trunc(((weight - 10) * 9999) / 990);
}

function ioFiles(blockIO: BlockIOResources): Files {
  const throttles = [
    ["rbps", blockIO.throttleReadBpsDevice],
    ["wbps", blockIO.throttleWriteBpsDevice],
    ["riops", blockIO.throttleReadIOPSDevice],
    ["wiops", blockIO.throttleWriteIOPSDevice],
  ] as const;
  return [
    ...optional("io.weight", blockIO.weight ? ioWeight(blockIO.weight) : undefined),
    ...(blockIO.weightDevice ?? []).map(
      ({ major, minor, weight }) => ["io.weight", `${major}:${minor} ${ioWeight(weight)}`] as const,
    ),
    ...throttles.flatMap(([key, list]) =>
      (list ?? []).map(({ major, minor, rate }) => ["io.max", `${major}:${minor} ${key}=${rate}`] as const),
    ),
  ];
}

/** The specification's own way to v2 files; a name that leads out of the directory is refused. */
function unifiedFile([file, value]: [string, string]): readonly [string, string] {
  if (!/^[a-z0-9_]+(\.[a-zA-Z0-9_]+)+$/.test(file)) throw invalid(`unified resource "${file}" is not a cgroup file`);
  return [file, value];
}
