import { EngineError } from "#lib/errors";
import { cpuList } from "../linux/cpu-list.ts";
import type { Architecture, CgroupFacts, HostFacts, LimitFacts } from "../types.ts";
import { loadedAppArmorProfile } from "./apparmor.ts";
import type { HostReader } from "./reader.ts";

/** What the caller knows of itself without reading a file. */
export interface HostBasics {
  /** As `uname -m` says it. */
  readonly machine: string;
  /** As `uname -r` says it: `6.18.44-generic`. */
  readonly kernelRelease: string;
}

/**
 * Finds out what the compiler needs to know of the machine.
 *
 * @throws `failed-precondition` on a machine that no container can run on: another architecture, no cgroups
 */
export function discoverHost(reader: HostReader, { machine, kernelRelease }: HostBasics): HostFacts {
  if (machine !== "x86_64" && machine !== "aarch64") {
    throw new EngineError("failed-precondition", `architecture "${machine}" is not supported: x86_64 and aarch64 are`);
  }
  const [major = 0, minor = 0] = kernelRelease.split(".").map((part) => Number.parseInt(part, 10));
  const cgroups = discoverCgroups(reader);
  const cpusets = cpusetFacts(reader, cgroups);
  const apparmor = reader.readText("/sys/module/apparmor/parameters/enabled")?.startsWith("Y") ?? false;
  const status = reader.readText("/proc/self/status") ?? "";
  return {
    architecture: machine satisfies Architecture,
    kernel: { major, minor },
    cgroups,
    apparmor,
    apparmorDefault: apparmor ? loadedAppArmorProfile(reader) : "",
    seccomp: /^Seccomp:/m.test(status),
    cpus: cpuList(reader.readText("/sys/devices/system/cpu/online") ?? "0")?.size ?? 1,
    ...cpusets,
    capabilities: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`),
    openFiles: openFiles(reader),
    extraMaskedPaths: thermalPaths(reader),
  };
}

/**
 * Reads the machine's cgroup mounts.
 *
 * @throws `failed-precondition` where none is mounted
 */
function discoverCgroups(reader: HostReader): CgroupFacts {
  const mounts = parseMountinfo(reader.readText("/proc/self/mountinfo") ?? "");
  const v1 = v1Mounts(mounts);
  const unified = mounts.find(({ type }) => type === "cgroup2")?.path ?? "";
  const separate = Object.keys(v1).some((controller) => !controller.startsWith("name="));
  if (!separate && !unified) {
    throw new EngineError("failed-precondition", "no cgroup filesystem is mounted: mount cgroup2 on /sys/fs/cgroup");
  }
  if (!separate) {
    const controllers = (reader.readText(`${unified}/cgroup.controllers`) ?? "").trim().split(/\s+/).filter(Boolean);
    return { mode: "v2", v1: {}, unified, controllers, limits: v2Limits(unified, controllers, reader) };
  }
  return { mode: unified ? "hybrid" : "v1", v1, unified, controllers: [], limits: v1Limits(v1, reader) };
}

interface MountLine {
  readonly path: string;
  readonly type: string;
  readonly superOptions: readonly string[];
}

/** Lines of proc_pid_mountinfo(5): fields, optional tags up to a lone `-`, then type, source and the filesystem's options. */
function parseMountinfo(text: string): MountLine[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.split(" ");
    const dash = fields.indexOf("-", 6);
    const [type, , superOptions] = fields.slice(dash + 1);
    if (dash < 0 || type === undefined || superOptions === undefined) return [];
    return [{ path: fields[4] ?? "", type, superOptions: superOptions.split(",") }];
  });
}

/** Words among a hierarchy's options that name no controller. */
const NO_CONTROLLERS = /^(rw|ro|xattr|clone_children|noprefix|release_agent=.*|seclabel)$/;

function v1Mounts(mounts: readonly MountLine[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { path, type, superOptions } of mounts) {
    if (type !== "cgroup") continue;
    for (const option of superOptions) {
      if (!NO_CONTROLLERS.test(option)) found[option] ??= path;
    }
  }
  return found;
}

function v1Limits(v1: Readonly<Record<string, string>>, reader: HostReader): LimitFacts {
  const has = (controller: string, file: string) => {
    const mount = v1[controller];
    return mount !== undefined && reader.stat(`${mount}/${file}`) !== undefined;
  };
  return {
    memory: has("memory", "memory.limit_in_bytes"),
    swap: has("memory", "memory.memsw.limit_in_bytes"),
    memoryReservation: has("memory", "memory.soft_limit_in_bytes"),
    swappiness: has("memory", "memory.swappiness"),
    oomKillDisable: has("memory", "memory.oom_control"),
    kernelMemoryTCP: has("memory", "memory.kmem.tcp.limit_in_bytes"),
    cpuShares: has("cpu", "cpu.shares"),
    cpuQuota: has("cpu", "cpu.cfs_quota_us"),
    cpuRealtime: has("cpu", "cpu.rt_period_us"),
    cpuset: has("cpuset", "cpuset.cpus"),
    pids: "pids" in v1,
    blkioWeight: has("blkio", "blkio.weight"),
    blkioWeightDevice: has("blkio", "blkio.weight_device"),
    blkioThrottle: has("blkio", "blkio.throttle.read_bps_device"),
  };
}

/**
 * The v2 root has no limit files, so that the list of controllers has to tell; what kernels build in apart (swap
 * accounting, io weights) is looked up in the daemon's own cgroup, unless that is the root.
 */
function v2Limits(unified: string, controllers: readonly string[], reader: HostReader): LimitFacts {
  const own = /^0::(\/.*)$/m.exec(reader.readText("/proc/self/cgroup") ?? "")?.[1] ?? "/";
  const enabled = (reader.readText(`${unified}${own}/cgroup.controllers`) ?? "").trim().split(/\s+/);
  const has = (controller: string, file?: string) => {
    if (!controllers.includes(controller)) return false;
    if (!file || own === "/" || !enabled.includes(controller)) return true;
    return reader.stat(`${unified}${own}/${file}`) !== undefined;
  };
  return {
    memory: has("memory"),
    swap: has("memory", "memory.swap.max"),
    memoryReservation: has("memory"),
    swappiness: false,
    oomKillDisable: false,
    kernelMemoryTCP: false,
    cpuShares: has("cpu"),
    cpuQuota: has("cpu", "cpu.max"),
    cpuRealtime: false,
    cpuset: has("cpuset"),
    pids: has("pids"),
    blkioWeight: has("io", "io.weight"),
    blkioWeightDevice: has("io", "io.weight"),
    blkioThrottle: has("io", "io.max"),
  };
}

function cpusetFacts(reader: HostReader, cgroups: CgroupFacts): Pick<HostFacts, "cpusetCpus" | "cpusetMems"> {
  const root = cgroups.mode === "v2" ? cgroups.unified : (cgroups.v1.cpuset ?? "");
  const suffix = cgroups.mode === "v2" ? ".effective" : "";
  const list = (kind: "cpus" | "mems", fallback: string) =>
    (reader.readText(`${root}/cpuset.${kind}${suffix}`) ?? reader.readText(fallback) ?? "0").trim();
  return {
    cpusetCpus: list("cpus", "/sys/devices/system/cpu/online"),
    cpusetMems: list("mems", "/sys/devices/system/node/online"),
  };
}

/** The kernel's own default (INR_OPEN_CUR). */
const LEAST_OPEN_FILES = 1024;

/** The hard limit of this process, which what it starts inherits. */
function openFiles(reader: HostReader): number {
  return Number(
    /^Max open files +\d+ +(\d+)/m.exec(reader.readText("/proc/self/limits") ?? "")?.[1] ?? LEAST_OPEN_FILES,
  );
}

/** Counters that tell a container how its neighbours use the processor: a side channel. */
function thermalPaths(reader: HostReader): string[] {
  const base = "/sys/devices/system/cpu";
  return reader
    .list(base)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${base}/${name}/thermal_throttle`)
    .filter((path) => reader.stat(path) !== undefined);
}
