import type { HostConfig } from "#api/engine";
import type { HostFacts } from "#core/runtime";
import type { Defaults } from "./context.ts";

/**
 * The host config as inspect shows it: what the user left out in Docker's own spelling of nothing (observed on a
 * live Docker 28.5), and the engine's defaults where Docker fixes them at create.
 */
export function normalizeHostConfig(
  asked: HostConfig,
  defaults: Defaults,
  { cgroups, extraMaskedPaths }: Pick<HostFacts, "cgroups" | "extraMaskedPaths">,
): HostConfig {
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null && value !== undefined));
  const config: HostConfig = { ...NOTHING, ...given };
  const privileged = config.Privileged === true;
  const unconfined = (config.SecurityOpt ?? []).some((option) => /^systempaths[=:]unconfined$/.test(option));
  return {
    ...config,
    NetworkMode: !config.NetworkMode || config.NetworkMode === "default" ? "bridge" : config.NetworkMode,
    IpcMode: config.IpcMode || "private",
    // On one tree even privileged containers have their own: else they could not tell which part is theirs.
    CgroupnsMode: config.CgroupnsMode || (cgroups.mode === "v2" ? "private" : "host"),
    ShmSize: config.ShmSize || defaults.shmSizeBytes,
    Runtime: config.Runtime || defaults.runtime,
    RestartPolicy: {
      Name: config.RestartPolicy?.Name || "no",
      MaximumRetryCount: config.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    LogConfig: normalizeLogConfig(config.LogConfig, defaults),
    MaskedPaths: asked.MaskedPaths ?? (unconfined ? [] : [...MASKED_PATHS, ...extraMaskedPaths]),
    ReadonlyPaths: asked.ReadonlyPaths ?? (unconfined ? [] : READONLY_PATHS),
    ...(privileged ? PRIVILEGED : {}),
    ...(config.PortBindings ? { PortBindings: completeBindings(config.PortBindings) } : {}),
    ...(withoutLabels(config) ? { SecurityOpt: ["label=disable"] } : {}),
    ConsoleSize: config.ConsoleSize ?? [0, 0],
    // Docker: limits of zero or below are none (engine-api notes 13).
    PidsLimit: config.PidsLimit && config.PidsLimit > 0 ? config.PidsLimit : null,
    // Swap follows memory: twice as much altogether, unless somebody says otherwise.
    MemorySwap: config.Memory && !config.MemorySwap ? config.Memory * 2 : (config.MemorySwap ?? 0),
  };
}

type PortBindings = NonNullable<HostConfig["PortBindings"]>;

/** Docker's own wish for containers that see the host, should they have none. */
function withoutLabels({ SecurityOpt, Privileged, IpcMode, PidMode }: HostConfig): boolean {
  return !SecurityOpt && (Privileged === true || IpcMode === "host" || PidMode === "host");
}

function completeBindings(bindings: PortBindings): PortBindings {
  const complete = Object.entries(bindings).map(([port, list]) => [
    port,
    list?.map(({ HostIp = "", HostPort = "" }) => ({ HostIp, HostPort })) ?? list,
  ]);
  return Object.fromEntries(complete);
}

/** The driver's options of the daemon go for containers that name no other driver. */
function normalizeLogConfig(asked: HostConfig["LogConfig"], defaults: Defaults): NonNullable<HostConfig["LogConfig"]> {
  const type = asked?.Type || (defaults.logDriver as NonNullable<HostConfig["LogConfig"]>["Type"]) || "json-file";
  const inherited = type === defaults.logDriver ? defaults.logOptions : {};
  return { Type: type, Config: { ...inherited, ...asked?.Config } };
}

const MASKED_PATHS = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** Nothing is hidden from a privileged container. */
const PRIVILEGED = { MaskedPaths: null, ReadonlyPaths: null } as unknown as HostConfig;

/** Go's `null` for lists that nobody gave is not in the generated types, but clients compare it. */
const NOTHING = {
  Binds: null,
  ContainerIDFile: "",
  NetworkMode: "",
  PortBindings: null,
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  CapAdd: null,
  CapDrop: null,
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: "",
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  Isolation: "",
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
} as unknown as HostConfig;
