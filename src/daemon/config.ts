import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { type Defaults, type OciRuntime, validateLogConfig } from "#core/containers";
import { DEFAULT_REGISTRY_SETTINGS, type RegistrySettings } from "#core/distribution";
import { type DriverName, parseDriverName } from "#core/snapshots";
import { EngineError, messageOf } from "#lib/errors";
import { LOG_LEVELS, type LogLevel } from "#lib/log";
import { mergeSettings, parseConfigFile, parseFlags, type Settings } from "./flags.ts";
import { type Host, parseHost } from "./hosts.ts";
import type { Flag } from "./options.ts";
import { parseRegistrySettings } from "./registry-settings.ts";

/** All that a daemon is told. */
export interface Config {
  readonly action: "run" | "validate" | "cleanup" | "help" | "version";
  readonly configFile: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly pidFile: string;
  readonly hosts: readonly Host[];
  readonly group: string;
  readonly tls:
    | { readonly verify: boolean; readonly ca: string; readonly certificate: string; readonly key: string }
    | undefined;
  readonly debug: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: "text" | "json";
  readonly labels: readonly string[];
  readonly shutdownTimeoutSeconds: number;
  /** Undefined: the one that was used before, else the best one that works. */
  readonly storageDriver: DriverName | undefined;
  readonly network: { readonly bridge: string; readonly bip: string; readonly mtu: number };
  readonly containers: Defaults;
  readonly registries: RegistrySettings;
  /** What is said of the registry that this daemon is, by key; nothing when it is none. Read by the registry, which is seldom loaded. */
  readonly registryServer: readonly (readonly [string, string])[];
}

export const OWN_RUNTIME = "tug";
/** Found by its name in PATH when it is there. */
const WELL_KNOWN_RUNTIMES = ["runc", "crun"];
const DEFAULT_CONFIG_FILE = "/etc/tug/daemon.json";
/** `EXEC_ROOT/tasks/ID32/execs/ID32/socket` has to fit into the 107 bytes of a socket's path. */
const LONGEST_EXEC_ROOT = 107 - "/tasks//execs//socket".length - 64;

/** Reads flags and configuration file. @throws `invalid-parameter` saying which one is wrong and how */
export function loadConfig(argv: readonly string[]): Config {
  const flags = parseFlags(argv);
  const path = text(flags, "config-file", DEFAULT_CONFIG_FILE);
  const file = readSettings(path, flags.has("config-file"));
  try {
    return interpret(mergeSettings(flags, file), path);
  } catch (cause) {
    if (file.size === 0) throw cause;
    throw inFile(path, cause);
  }
}

function readSettings(path: string, required: boolean): Settings {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (cause) {
    if (!required && (cause as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw inFile(path, cause);
  }
  try {
    return parseConfigFile(content);
  } catch (cause) {
    throw inFile(path, cause);
  }
}

function inFile(path: string, cause: unknown): EngineError {
  return invalid(`unable to configure the daemon with file ${path}: ${messageOf(cause)}`, cause);
}

function interpret(settings: Settings, configFile: string): Config {
  const execRoot = absolute(settings, "exec-root", "/run/tug");
  if (execRoot.length > LONGEST_EXEC_ROOT) {
    throw invalid(
      `exec-root "${execRoot}" is too long: sockets below it need a path of at most ${LONGEST_EXEC_ROOT} bytes`,
    );
  }
  if (settings.get("live-restore") === false) {
    throw invalid("live-restore cannot be switched off: containers of this engine always outlive the daemon");
  }
  const tls = tlsOf(settings);
  const hosts = list(settings, "host");
  return {
    action: actionOf(settings),
    configFile,
    dataRoot: absolute(settings, "data-root", "/var/lib/tug"),
    execRoot,
    pidFile: absolute(settings, "pidfile", join(execRoot, "tugd.pid")),
    hosts: (hosts.length > 0 ? hosts : [`unix://${execRoot}/tug.sock`]).map((host) =>
      parseHost(host, tls !== undefined),
    ),
    group: text(settings, "group", "docker"),
    tls,
    debug: settings.get("debug") === true,
    logLevel: settings.get("debug") === true ? "debug" : oneOf(settings, "log-level", LOG_LEVELS, "info"),
    logFormat: oneOf(settings, "log-format", ["text", "json"] as const, "text"),
    labels: labelsOf(settings),
    shutdownTimeoutSeconds: whole(settings, "shutdown-timeout", 15),
    storageDriver: settings.has("storage-driver") ? parseDriverName(text(settings, "storage-driver", "")) : undefined,
    network: {
      bridge: text(settings, "bridge", ""),
      bip: text(settings, "bip", ""),
      mtu: whole(settings, "mtu", 0),
    },
    containers: containersOf(settings),
    registries: registriesOf(settings),
    registryServer: pairs(settings, "registry-server"),
  };
}

function registriesOf(settings: Settings): RegistrySettings {
  return parseRegistrySettings({
    mirrors: list(settings, "registry-mirror"),
    insecureRegistries: list(settings, "insecure-registry"),
    rules: pairs(settings, "registry"),
    proxies: {
      http: text(settings, "http-proxy", ""),
      https: text(settings, "https-proxy", ""),
      no: text(settings, "no-proxy", ""),
    },
    maxConcurrentDownloads: whole(
      settings,
      "max-concurrent-downloads",
      DEFAULT_REGISTRY_SETTINGS.maxConcurrentDownloads,
    ),
    maxConcurrentUploads: whole(settings, "max-concurrent-uploads", DEFAULT_REGISTRY_SETTINGS.maxConcurrentUploads),
    maxDownloadAttempts: whole(settings, "max-download-attempts", DEFAULT_REGISTRY_SETTINGS.maxDownloadAttempts),
  });
}

function containersOf(settings: Settings): Defaults {
  refuseExecOptions(list(settings, "exec-opt"));
  const runtimes = runtimesOf(settings);
  const runtime = text(settings, "default-runtime", OWN_RUNTIME);
  if (!runtimes.has(runtime)) throw invalid(`specified default runtime '${runtime}' does not exist`);
  const log = {
    logDriver: text(settings, "log-driver", "json-file"),
    logOptions: Object.fromEntries(pairs(settings, "log-opt")),
  };
  validateLogConfig({ Type: log.logDriver as "json-file", Config: log.logOptions });
  return {
    runtime,
    runtimes,
    ...log,
    cgroupParent: cgroupParent(text(settings, "cgroup-parent", "/tug")),
    shmSizeBytes: bytes(settings, "default-shm-size", 64 * 1024 * 1024),
    init: settings.get("init") === true,
    ulimits: pairs(settings, "default-ulimit").map(parseUlimit),
    dns: list(settings, "dns"),
    dnsOptions: list(settings, "dns-opt"),
    dnsSearch: list(settings, "dns-search"),
    noNewPrivileges: settings.get("no-new-privileges") === true,
    seccompProfile: seccompProfile(text(settings, "seccomp-profile", "builtin")),
    hostGatewayAddress: text(settings, "host-gateway-ip", ""),
  };
}

function actionOf(settings: Settings): Config["action"] {
  for (const action of ["help", "version", "validate", "cleanup"] as const) {
    if (settings.get(action) === true) return action;
  }
  return "run";
}

function tlsOf(settings: Settings): Config["tls"] {
  const verify = settings.get("tlsverify") === true;
  const files = ["tlscacert", "tlscert", "tlskey"] as const;
  if (!verify && settings.get("tls") !== true) {
    const stray = files.find((flag) => settings.has(flag));
    if (stray) throw invalid(`--${stray} needs --tls or --tlsverify`);
    return undefined;
  }
  const [ca = "", certificate = "", key = ""] = files.map((flag) => text(settings, flag, ""));
  if (certificate === "" || key === "") throw invalid("--tls needs --tlscert and --tlskey");
  if (verify && ca === "") throw invalid("--tlsverify needs --tlscacert");
  return { verify, ca: verify ? ca : "", certificate, key };
}

/** `name=path`, or in the file `{"path": …, "runtimeArgs": […]}`. */
function runtimesOf(settings: Settings): Map<string, OciRuntime | undefined> {
  const runtimes = new Map<string, OciRuntime | undefined>([[OWN_RUNTIME, undefined]]);
  for (const name of WELL_KNOWN_RUNTIMES) {
    const path = Bun.which(name);
    if (path) runtimes.set(name, { path, arguments: [] });
  }
  for (const [name, value] of pairs(settings, "add-runtime")) {
    if (name === OWN_RUNTIME) throw invalid(`runtime name '${OWN_RUNTIME}' is reserved`);
    runtimes.set(name, parseRuntime(name, value));
  }
  return runtimes;
}

function parseRuntime(name: string, value: string): OciRuntime {
  if (!value.startsWith("{")) return { path: programPath(name, value), arguments: [] };
  const { path = "", runtimeArgs = [], ...others } = JSON.parse(value) as { path?: string; runtimeArgs?: string[] };
  const unknown = Object.keys(others);
  if (unknown.length > 0)
    throw invalid(`runtime '${name}': "${unknown[0]}" has no meaning here: give a path and runtimeArgs`);
  return { path: programPath(name, path), arguments: runtimeArgs };
}

function programPath(name: string, path: string): string {
  const found = Bun.which(path);
  if (!found) throw invalid(`runtime '${name}': "${path}" is no program`);
  return found;
}

function refuseExecOptions(options: readonly string[]): void {
  for (const option of options) {
    if (option === "native.cgroupdriver=cgroupfs") continue;
    throw invalid(`exec-opt "${option}" cannot act: this engine writes cgroups itself (native.cgroupdriver=cgroupfs)`);
  }
}

function parseUlimit([name, value]: readonly [string, string]) {
  const match = /^(-?\d+)(?::(-?\d+))?$/.exec(value);
  if (!match) throw invalid(`invalid ulimit argument: ${name}=${value}`);
  const soft = Number(match[1]);
  const hard = Number(match[2] ?? match[1]);
  if (hard !== -1 && (soft > hard || soft === -1))
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  return { Name: name, Soft: soft, Hard: hard };
}

function cgroupParent(path: string): string {
  if (path.endsWith(".slice")) throw invalid(`cgroup-parent "${path}" is a systemd slice: give a path, such as "/tug"`);
  const clean = join("/", path);
  if (clean === "/") throw invalid(`cgroup-parent "${path}" is the root cgroup: give a path, such as "/tug"`);
  return clean;
}

/** Empty for the built-in one, else what `--security-opt seccomp=` takes: a word or the profile itself. */
function seccompProfile(value: string): string {
  if (value === "builtin" || value === "") return "";
  if (value === "unconfined") return value;
  try {
    return JSON.stringify(JSON.parse(readFileSync(value, "utf8")));
  } catch (cause) {
    throw invalid(`opening seccomp profile (${value}) failed: ${messageOf(cause)}`, cause);
  }
}

function labelsOf(settings: Settings): string[] {
  const labels = list(settings, "label");
  for (const label of labels) {
    if (label.indexOf("=") < 1) throw invalid(`bad attribute format: ${label}`);
  }
  const keys = labels.map((label) => label.split("=", 1)[0]);
  const twice = keys.find((key, index) =>
    labels.some((label, other) => other < index && keys[other] === key && label !== labels[index]),
  );
  if (twice) throw invalid(`conflict labels for ${twice}`);
  return [...new Set(labels)];
}

function text(settings: Settings, flag: Flag, fallback: string): string {
  const value = settings.get(flag);
  return typeof value === "string" ? value : fallback;
}

function list(settings: Settings, flag: Flag): readonly string[] {
  const value = settings.get(flag);
  return Array.isArray(value) ? value : [];
}

function pairs(settings: Settings, flag: Flag): (readonly [string, string])[] {
  return list(settings, flag).map((entry) => {
    const equals = entry.indexOf("=");
    if (equals < 1) throw invalid(`invalid argument "${entry}" for "--${flag}" flag: must be in the form name=value`);
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
}

function absolute(settings: Settings, flag: Flag, fallback: string): string {
  const path = text(settings, flag, fallback);
  if (!isAbsolute(path)) throw invalid(`--${flag} "${path}" has to be an absolute path`);
  return join(path);
}

function whole(settings: Settings, flag: Flag, fallback: number): number {
  const value = text(settings, flag, String(fallback));
  if (!/^\d{1,9}$/.test(value)) throw invalid(`invalid argument "${value}" for "--${flag}" flag: not a whole number`);
  return Number(value);
}

function bytes(settings: Settings, flag: Flag, fallback: number): number {
  const value = text(settings, flag, String(fallback));
  const match = /^(\d+(?:\.\d+)?) ?([kmgt]?)i?b?$/i.exec(value);
  if (!match) throw invalid(`invalid argument "${value}" for "--${flag}" flag: invalid size: '${value}'`);
  return Math.floor(Number(match[1]) * 1024 ** ["", "k", "m", "g", "t"].indexOf((match[2] ?? "").toLowerCase()));
}

function oneOf<T extends string>(settings: Settings, flag: Flag, words: readonly T[], fallback: T): T {
  const value = text(settings, flag, fallback);
  const word = words.find((known) => known === value);
  if (!word) throw invalid(`invalid argument "${value}" for "--${flag}" flag: one of ${words.join(", ")}`);
  return word;
}

function invalid(message: string, cause?: unknown): EngineError {
  return new EngineError("invalid-parameter", message, { cause });
}
