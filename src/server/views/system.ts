import type { SystemInfo, SystemVersion } from "#api/engine";
import type { RegistrySettings } from "#core/distribution";
import { CDI_DIRECTORIES } from "#core/runtime";
import type { EngineIdentity, SystemFacts } from "../backends.ts";
import { API_VERSION, MIN_API_VERSION } from "../version.ts";
import { registryConfig, withoutPassword } from "./registries.ts";
import type { Wire } from "./wire.ts";

/** `GET /version`. */
export function versionView(identity: EngineIdentity): SystemVersion {
  return {
    Platform: { Name: "tug" },
    Components: [
      {
        Name: "Engine",
        Version: identity.engineVersion,
        Details: {
          ApiVersion: API_VERSION,
          Arch: identity.architecture,
          BuildTime: identity.buildTime,
          Experimental: String(identity.experimental),
          GitCommit: identity.gitCommit,
          GoVersion: identity.runtimeVersion,
          KernelVersion: identity.kernelVersion,
          MinAPIVersion: MIN_API_VERSION,
          Os: "linux",
        },
      },
      ...identity.components.map(({ name, version, details }) => ({ Name: name, Version: version, Details: details })),
    ],
    Version: identity.engineVersion,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: identity.gitCommit,
    GoVersion: identity.runtimeVersion,
    Os: "linux",
    Arch: identity.architecture,
    KernelVersion: identity.kernelVersion,
    ...(identity.experimental && { Experimental: true }),
    BuildTime: identity.buildTime,
  };
}

export interface Counts {
  readonly containers: number;
  readonly running: number;
  readonly paused: number;
  readonly stopped: number;
  readonly images: number;
}

/** Members of /info that later versions dropped: bridges never needed the firewall's modules for their own traffic here. */
export function formerInfo(version: number): Record<string, unknown> {
  return version < 50 ? { BridgeNfIptables: false, BridgeNfIp6tables: false } : {};
}

export interface InfoParts {
  readonly facts: SystemFacts;
  readonly counts: Counts;
  readonly registries: RegistrySettings;
  /** RFC 3339. */
  readonly now: string;
}

/** `GET /info`. */
export function infoView(identity: EngineIdentity, parts: InfoParts): Wire<SystemInfo> {
  const { facts, counts, registries, now } = parts;
  return {
    ID: identity.id,
    Containers: counts.containers,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.stopped,
    Images: counts.images,
    Driver: identity.storageDriver,
    DriverStatus: facts.storageStatus.map((row) => [...row]),
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "null"],
      Authorization: null,
      Log: [...facts.loggingDrivers],
    },
    ...limits(facts),
    IPv4Forwarding: facts.ipv4Forwarding,
    Debug: facts.debug,
    NFd: facts.openFiles,
    NGoroutines: 0,
    SystemTime: now,
    LoggingDriver: facts.loggingDriver,
    CgroupDriver: facts.cgroup.driver,
    CgroupVersion: facts.cgroup.version,
    NEventsListener: facts.eventListeners,
    KernelVersion: identity.kernelVersion,
    OperatingSystem: facts.operatingSystem,
    OSVersion: facts.operatingSystemVersion,
    OSType: "linux",
    Architecture: identity.machine,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: registryConfig(registries),
    NCPU: facts.cpus,
    MemTotal: facts.memoryBytes,
    GenericResources: null,
    DockerRootDir: facts.dataRoot,
    HttpProxy: withoutPassword(registries.proxies.http),
    HttpsProxy: withoutPassword(registries.proxies.https),
    NoProxy: registries.proxies.no,
    Name: facts.hostname,
    Labels: [...facts.labels],
    ExperimentalBuild: identity.experimental,
    ServerVersion: identity.engineVersion,
    Runtimes: Object.fromEntries(
      Object.entries(facts.runtimes).map(([name, { path, args }]) => [
        name,
        { path, ...(args && { runtimeArgs: [...args] }) },
      ]),
    ),
    DefaultRuntime: facts.defaultRuntime,
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: facts.liveRestore,
    Isolation: null,
    InitBinary: facts.initBinary,
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: "" },
    InitCommit: { ID: "" },
    SecurityOptions: [...facts.securityOptions],
    FirewallBackend: { Driver: "nftables", Info: null },
    CDISpecDirs: [...CDI_DIRECTORIES],
    Warnings: facts.warnings.length === 0 ? null : [...facts.warnings],
  };
}

function limits({ cgroup }: SystemFacts): Wire<SystemInfo> {
  return {
    MemoryLimit: cgroup.memory,
    SwapLimit: cgroup.swap,
    CpuCfsPeriod: cgroup.cpuCfs,
    CpuCfsQuota: cgroup.cpuCfs,
    CPUShares: cgroup.cpuShares,
    CPUSet: cgroup.cpuset,
    PidsLimit: cgroup.pids,
    OomKillDisable: cgroup.oomKillDisable,
  };
}
