import type { HostConfig, Mount, RestartPolicy } from "#api/engine";
import type { containers } from "#client";
import { EngineError } from "#lib/errors";
import type { ConfigFile } from "../config/config-file.ts";
import { parseDevices } from "./devices.ts";
import { type Env, readEnvironment, readLabels, toRecord } from "./env-files.ts";
import type { CreateFlags } from "./flags.ts";
import { parseHealth } from "./health.ts";
import { resolveMountSource } from "./mounts.ts";
import { parseNetworks } from "./networks.ts";
import { parsePorts } from "./ports.ts";
import { proxyEnvironment } from "./proxies.ts";
import { parseSecurityOptions } from "./security.ts";
import { mergeUlimits } from "./ulimits.ts";
import { parseVolumes } from "./volumes.ts";

/** What of the process a create request depends on. */
export interface Surroundings {
  readonly env: Env;
  readonly cwd: string;
  /** The path of the engine's socket; undefined for an engine elsewhere. */
  readonly socketPath: string | undefined;
  /** The engine's host, under which the configuration may name proxies. */
  readonly host: string;
  readonly config: ConfigFile;
  /** Rows and columns of the terminal; zeros without one. */
  readonly consoleSize: readonly [number, number];
}

export interface CreateArguments {
  readonly flags: CreateFlags;
  given(name: keyof CreateFlags & string): boolean;
  readonly image: string;
  readonly command: readonly string[];
}

/**
 * Turns flags and arguments into the body of a create request.
 *
 * @throws EngineError `invalid-parameter` for values that make no sense or exclude each other.
 */
export function createRequest(call: CreateArguments, around: Surroundings): containers.ContainerCreateRequest {
  const { flags } = call;
  checkModes(flags);
  checkPlatformFlags(call);
  const ports = parsePorts(flags.publish, flags.expose);
  const volumes = parseVolumes(flags.volume, around.cwd);
  const networks = parseNetworks(flags);
  return {
    ...containerConfig(call, around),
    ...(Object.keys(ports.exposed).length === 0 ? {} : { ExposedPorts: ports.exposed }),
    Volumes: volumes.anonymous,
    HostConfig: {
      ...hostConfig(call, around),
      ...(volumes.binds.length === 0 ? {} : { Binds: [...volumes.binds] }),
      NetworkMode: networks.mode,
      PortBindings: ports.bindings,
    },
    NetworkingConfig: { EndpointsConfig: networks.endpoints },
  };
}

type Config = Omit<containers.ContainerCreateRequest, "HostConfig" | "NetworkingConfig">;

function containerConfig(call: CreateArguments, around: Surroundings): Config {
  const { flags, given } = call;
  const proxies = proxyEnvironment(around.config, around.host, flags.env);
  const env = [...readEnvironment(flags["env-file"], flags.env, around.env), ...proxies];
  const healthcheck = parseHealth(flags);
  return {
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    User: flags.user,
    ...attachments(flags),
    Tty: flags.tty,
    ...(env.length === 0 ? {} : { Env: env }),
    ...(call.command.length === 0 ? {} : { Cmd: [...call.command] }),
    Image: call.image,
    WorkingDir: flags.workdir,
    ...(given("entrypoint") ? { Entrypoint: [flags.entrypoint] } : {}),
    Labels: readLabels(flags["label-file"], flags.label),
    ...(healthcheck === undefined ? {} : { Healthcheck: healthcheck }),
    ...(flags["stop-signal"] === "" ? {} : { StopSignal: flags["stop-signal"] }),
    ...(given("stop-timeout") ? { StopTimeout: flags["stop-timeout"] } : {}),
  };
}

function attachments(flags: CreateFlags): Config {
  const none = flags.attach.length === 0;
  const stdin = flags.interactive || flags.attach.includes("stdin");
  return {
    AttachStdin: stdin,
    AttachStdout: none || flags.attach.includes("stdout"),
    AttachStderr: none || flags.attach.includes("stderr"),
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && stdin,
  };
}

function hostConfig(call: CreateArguments, around: Surroundings): HostConfig {
  const { flags, given } = call;
  const security = parseSecurityOptions(flags["security-opt"]);
  const tmpfs = Object.fromEntries(flags.tmpfs.map(splitTmpfs));
  const mounts = flags.mount.map((mount) => resolveMountSource(mount, around.cwd));
  if (flags["use-api-socket"]) mounts.push(apiSocketMount(around));
  const storage = storageOptions(flags["storage-opt"]);
  return {
    ContainerIDFile: flags.cidfile,
    LogConfig: logConfig(flags) as NonNullable<HostConfig["LogConfig"]>,
    RestartPolicy: parseRestartPolicy(flags.restart),
    AutoRemove: flags.rm,
    VolumeDriver: flags["volume-driver"],
    ...lists({ VolumesFrom: flags["volumes-from"] }),
    ...(mounts.length === 0 ? {} : { Mounts: mounts }),
    ConsoleSize: [...around.consoleSize],
    ...records({ Annotations: flags.annotation, Sysctls: flags.sysctl }),
    ...lists({
      CapAdd: normalizeCapabilities(flags["cap-add"]),
      CapDrop: normalizeCapabilities(flags["cap-drop"]),
      ExtraHosts: flags["add-host"],
      GroupAdd: flags["group-add"],
      Links: flags.link,
    }),
    CgroupnsMode: flags.cgroupns as "private",
    Dns: [...flags.dns],
    DnsOptions: [...flags["dns-option"], ...flags["dns-opt"]],
    DnsSearch: [...flags["dns-search"]],
    IpcMode: flags.ipc,
    OomScoreAdj: flags["oom-score-adj"],
    PidMode: flags.pid,
    Privileged: flags.privileged,
    PublishAllPorts: flags["publish-all"],
    ReadonlyRootfs: flags["read-only"],
    ...(security.options === null ? {} : { SecurityOpt: [...security.options] }),
    ...(security.maskedPaths === null ? {} : { MaskedPaths: [], ReadonlyPaths: [] }),
    ...(storage === undefined ? {} : { StorageOpt: storage }),
    ...(Object.keys(tmpfs).length === 0 ? {} : { Tmpfs: tmpfs }),
    UTSMode: flags.uts,
    UsernsMode: flags.userns,
    ShmSize: flags["shm-size"] ?? 0,
    ...(flags.runtime === "" ? {} : { Runtime: flags.runtime }),
    Isolation: flags.isolation as "default",
    ...resources(flags),
    ...(given("init") ? { Init: flags.init } : {}),
  };
}

function resources(flags: CreateFlags): HostConfig {
  const devices = parseDevices(flags.device);
  const requests = [...(flags.gpus === undefined ? [] : [flags.gpus]), ...devices.requests];
  return {
    CpuShares: flags["cpu-shares"],
    Memory: flags.memory ?? 0,
    NanoCpus: flags.cpus ?? 0,
    CgroupParent: flags["cgroup-parent"],
    BlkioWeight: flags["blkio-weight"],
    BlkioWeightDevice: [...flags["blkio-weight-device"]],
    BlkioDeviceReadBps: [...flags["device-read-bps"]],
    BlkioDeviceWriteBps: [...flags["device-write-bps"]],
    BlkioDeviceReadIOps: [...flags["device-read-iops"]],
    BlkioDeviceWriteIOps: [...flags["device-write-iops"]],
    CpuPeriod: flags["cpu-period"],
    CpuQuota: flags["cpu-quota"],
    CpuRealtimePeriod: flags["cpu-rt-period"],
    CpuRealtimeRuntime: flags["cpu-rt-runtime"],
    CpusetCpus: flags["cpuset-cpus"],
    CpusetMems: flags["cpuset-mems"],
    Devices: devices.paths,
    ...lists({ DeviceCgroupRules: flags["device-cgroup-rule"] }),
    ...(requests.length === 0 ? {} : { DeviceRequests: requests }),
    MemoryReservation: flags["memory-reservation"] ?? 0,
    MemorySwap: flags["memory-swap"] ?? 0,
    MemorySwappiness: flags["memory-swappiness"],
    OomKillDisable: flags["oom-kill-disable"],
    PidsLimit: flags["pids-limit"],
    Ulimits: mergeUlimits(flags.ulimit),
  };
}

function checkModes(flags: CreateFlags): void {
  if (!/^($|host$|container:.)/.test(flags.pid)) throw invalid("--pid: invalid PID mode");
  if (!["", "host"].includes(flags.uts)) throw invalid("--uts: invalid UTS mode");
  if (!["", "host"].includes(flags.userns)) throw invalid("--userns: invalid USER mode");
  if (!["", "private", "host"].includes(flags.cgroupns)) throw invalid("--cgroupns: invalid CGROUP mode");
  const swappiness = flags["memory-swappiness"];
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw invalid(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  if (flags.rm && !["no", ""].includes(flags.restart)) {
    throw invalid("conflicting options: cannot specify both --restart and --rm");
  }
}

const WINDOWS_FLAGS = ["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"] as const;

function checkPlatformFlags({ given }: CreateArguments): void {
  const name = WINDOWS_FLAGS.find(given);
  if (name === undefined) return;
  throw invalid(`"--${name}" is only supported on an engine running on windows, but the engine is running on linux`);
}

const API_SOCKET = "/var/run/docker.sock";

function apiSocketMount({ socketPath, config }: Surroundings): Mount {
  if (socketPath === undefined) throw invalid("--use-api-socket needs an engine that listens on a unix socket");
  if (Object.keys(config.auths ?? {}).length > 0)
    throw invalid("--use-api-socket does not hand over credentials: log out, or mount the socket yourself");
  return { Type: "bind", Source: socketPath, Target: API_SOCKET, BindOptions: {} };
}

/** `no`, `always`, `unless-stopped`, or `on-failure[:count]`; the engine says which are known. */
function parseRestartPolicy(text: string): RestartPolicy {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const count = colon < 0 ? "" : text.slice(colon + 1);
  if (colon === 0) throw invalid("invalid restart policy format: no policy provided before colon");
  if (count !== "" && !/^[+-]?\d{1,9}$/.test(count)) {
    throw invalid("invalid restart policy format: maximum retry count must be an integer");
  }
  return { Name: name as "no", MaximumRetryCount: Number(count) };
}

function logConfig(flags: CreateFlags): { Type: string; Config: Record<string, string> } {
  const driver = flags["log-driver"];
  if (driver === "none" && flags["log-opt"].length > 0) throw invalid(`invalid logging opts for driver ${driver}`);
  return { Type: driver, Config: toRecord(flags["log-opt"]) };
}

function storageOptions(options: readonly string[]): Record<string, string> | undefined {
  if (options.some((option) => !option.includes("="))) throw invalid("invalid storage option");
  return options.length === 0 ? undefined : toRecord(options);
}

function splitTmpfs(text: string): [string, string] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** `CAP_` before the name, upper case, each once and in order; `ALL` stands for itself. */
function normalizeCapabilities(names: readonly string[]): string[] {
  const upper = names.map((name) => name.trim().toUpperCase());
  const full = upper.map((name) => (name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`));
  return [...new Set(full)].sort();
}

/** Only the lists that are not empty: for the others the engine tells "not set" from "empty". */
function lists<K extends string>(fields: Record<K, readonly string[]>): { [P in K]?: string[] } {
  const set = Object.entries<readonly string[]>(fields).filter(([, values]) => values.length > 0);
  return Object.fromEntries(set.map(([name, values]) => [name, [...values]])) as { [P in K]?: string[] };
}

function records<K extends string>(fields: Record<K, readonly string[]>): { [P in K]?: Record<string, string> } {
  const set = Object.entries<readonly string[]>(fields).filter(([, values]) => values.length > 0);
  return Object.fromEntries(set.map(([name, values]) => [name, toRecord(values)])) as never;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
