import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, hostname, release as kernelRelease, machine, totalmem } from "node:os";
import { join } from "node:path";
import { LOG_DRIVERS } from "#core/containers";
import type { HostFacts } from "#core/runtime";
import type { EngineIdentity, SystemBackend, SystemFacts } from "#server";
import type { Config } from "./config.ts";
import type { Release } from "./release.ts";
import type { Reloadable } from "./reloadable.ts";

interface SystemOptions {
  readonly release: Release;
  readonly config: Config;
  readonly reloadable: Reloadable;
  readonly host: HostFacts;
  readonly storageDriver: string;
  readonly executorPath: string;
}

/** What `version` and `info` say of the engine and its host. */
export function createSystem(options: SystemOptions): SystemBackend {
  return { identity: identityOf(options), facts: async () => factsOf(options) };
}

function identityOf({ release, config, storageDriver, executorPath }: SystemOptions): EngineIdentity {
  return {
    id: engineID(config.dataRoot),
    engineVersion: release.version,
    gitCommit: release.commit,
    buildTime: "",
    runtimeVersion: `bun${Bun.version}`,
    architecture: arch() === "x64" ? "amd64" : arch(),
    machine: machine(),
    kernelVersion: kernelRelease(),
    experimental: false,
    storageDriver,
    components: [{ name: "tug-exec", version: release.version, details: { Path: executorPath } }],
  };
}

/** A UUID, made once for a data root. */
function engineID(dataRoot: string): string {
  const path = join(dataRoot, "engine-id");
  if (existsSync(path)) return readFileSync(path, "utf8").trim();
  const id = randomUUID();
  writeFileSync(path, `${id}\n`, { mode: 0o600 });
  return id;
}

function factsOf({ config, reloadable, host, storageDriver }: SystemOptions): SystemFacts {
  const { limits, mode } = host.cgroups;
  const os = osRelease();
  return {
    hostname: hostname(),
    operatingSystem: os.PRETTY_NAME ?? "Linux",
    operatingSystemVersion: os.VERSION_ID ?? "",
    cpus: host.cpus,
    memoryBytes: totalmem(),
    openFiles: readdirSync("/proc/self/fd").length,
    debug: reloadable.debug,
    dataRoot: config.dataRoot,
    storageStatus: [["Driver", storageDriver]],
    cgroup: {
      version: mode === "v2" ? "2" : "1",
      driver: "cgroupfs",
      memory: limits.memory,
      swap: limits.swap,
      cpuCfs: limits.cpuQuota,
      cpuShares: limits.cpuShares,
      cpuset: limits.cpuset,
      pids: limits.pids,
      oomKillDisable: limits.oomKillDisable,
    },
    ipv4Forwarding: readText("/proc/sys/net/ipv4/ip_forward") === "1",
    loggingDriver: config.containers.logDriver,
    loggingDrivers: LOG_DRIVERS,
    runtimes: Object.fromEntries(
      [...config.containers.runtimes].map(([name, runtime]) => [
        name,
        { path: runtime?.path ?? "tug-exec", ...(runtime?.arguments.length ? { args: runtime.arguments } : {}) },
      ]),
    ),
    defaultRuntime: config.containers.runtime,
    initBinary: "tug-exec",
    securityOptions: securityOptions(config, host),
    labels: reloadable.labels,
    liveRestore: true,
    eventListeners: 0,
    warnings: [...exposureWarnings(config), ...confinementWarnings(host)],
  };
}

function securityOptions({ containers }: Config, host: HostFacts): string[] {
  const profile =
    containers.seccompProfile === "" ? "builtin" : containers.seccompProfile === "unconfined" ? "unconfined" : "custom";
  return [
    ...(host.apparmorDefault ? ["name=apparmor"] : []),
    ...(host.seccomp ? [`name=seccomp,profile=${profile}`] : []),
    ...(host.cgroups.mode === "v2" ? ["name=cgroupns"] : []),
    ...(containers.noNewPrivileges ? ["name=no-new-privileges"] : []),
  ];
}

function confinementWarnings({ apparmor, apparmorDefault }: HostFacts): string[] {
  if (!apparmor || apparmorDefault) return [];
  return ["WARNING: AppArmor is enabled, but no default profile is loaded: containers run without it"];
}

function exposureWarnings({ hosts, tls }: Config): string[] {
  if (tls?.verify) return [];
  return hosts.flatMap((host) =>
    host.kind === "tcp"
      ? [
          `WARNING: API is accessible on ${tls ? "https" : "http"}://${host.host}:${host.port} without ${tls ? "TLS client verification" : "encryption"}: access to it is access as root`,
        ]
      : [],
  );
}

function osRelease(): Record<string, string> {
  const lines = (readText("/etc/os-release") || readText("/usr/lib/os-release")).split("\n");
  return Object.fromEntries(
    lines.map((line) => line.split("=", 2)).map(([key = "", value = ""]) => [key, value.replace(/^"|"$/g, "")]),
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
