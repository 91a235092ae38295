import type { HostConfig } from "#api/engine";
import { type HostFacts, hiddenPaths } from "#core/runtime";
import type { Defaults } from "./context.ts";

/** What of the machine defaults depend on. */
type Machine = Pick<HostFacts, "cgroups" | "extraMaskedPaths">;

/**
 * The host config as it is kept: without what the user left empty, and with the engine's defaults where Docker fixes them at
 * create (observed on a live Docker 28.5).
 */
export function normalizeHostConfig(asked: HostConfig, defaults: Defaults, host: Machine): HostConfig {
  const {
    PidsLimit: pids,
    MaskedPaths: _,
    ReadonlyPaths: __,
    MemorySwappiness: swappiness,
    ...config
  } = withoutNulls(asked);
  return {
    ...config,
    NetworkMode: networkMode(config),
    IpcMode: config.IpcMode || "private",
    // On one tree even privileged containers have their own: else they could not tell which part is theirs.
    CgroupnsMode: config.CgroupnsMode || (host.cgroups.mode === "v2" ? "private" : "host"),
    ShmSize: config.ShmSize || defaults.shmSizeBytes,
    Runtime: config.Runtime || defaults.runtime,
    RestartPolicy: {
      Name: config.RestartPolicy?.Name || "no",
      MaximumRetryCount: config.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    LogConfig: normalizeLogConfig(config.LogConfig, defaults),
    ...pathsToHide(asked, host),
    ...(config.PortBindings ? { PortBindings: completeBindings(config.PortBindings) } : {}),
    ...(withoutLabels(config) ? { SecurityOpt: [...(config.SecurityOpt ?? []), "label=disable"] } : {}),
    // Docker: limits of zero or below are none (engine-api notes 13).
    ...(pids && pids > 0 ? { PidsLimit: pids } : {}),
    // -1 leaves it to the kernel.
    ...(swappiness === undefined || swappiness === -1 ? {} : { MemorySwappiness: swappiness }),
    ...(config.ConsoleSize ? { ConsoleSize: config.ConsoleSize.slice(0, 2) } : {}),
    // Swap follows memory: twice as much altogether, unless somebody says otherwise.
    ...(config.Memory && !config.MemorySwap ? { MemorySwap: config.Memory * 2 } : {}),
  };
}

/** The network a container is on: the default bridge unless it says otherwise. */
export function networkMode({ NetworkMode: mode }: HostConfig): string {
  return !mode || mode === "default" ? "bridge" : mode;
}

/** Clients send Go's `null` for what nobody gave. */
function withoutNulls(asked: HostConfig): HostConfig {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null && value !== undefined));
}

/** Nothing is hidden from a privileged container, unless it says so. */
function pathsToHide({ Privileged, SecurityOpt, MaskedPaths, ReadonlyPaths }: HostConfig, host: Machine): HostConfig {
  if (Privileged) return { ...(MaskedPaths ? { MaskedPaths } : {}), ...(ReadonlyPaths ? { ReadonlyPaths } : {}) };
  const unconfined = SecurityOpt?.some((option) => /^systempaths[=:]unconfined$/.test(option));
  const usual = unconfined ? { maskedPaths: [], readonlyPaths: [] } : hiddenPaths(host);
  return {
    MaskedPaths: MaskedPaths ?? [...usual.maskedPaths],
    ReadonlyPaths: ReadonlyPaths ?? [...usual.readonlyPaths],
  };
}

type PortBindings = NonNullable<HostConfig["PortBindings"]>;

/** Docker's own wish for containers that see the host, should they have no other for labels. */
function withoutLabels({ SecurityOpt, Privileged, IpcMode, PidMode }: HostConfig): boolean {
  const says = SecurityOpt?.some((option) => /^label[=:]/.test(option));
  return !says && (Privileged === true || IpcMode === "host" || PidMode === "host");
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
