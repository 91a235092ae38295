import type { SystemInfo } from "#api/engine";
import { formatBinarySize } from "../values/sizes.ts";

export interface ClientInfo {
  readonly Version: string;
  readonly Context: string;
  readonly Debug: boolean;
}

/** What `info` prints of the client and, when it could be reached, the engine. */
export function infoText(client: ClientInfo, server: SystemInfo | undefined): string {
  const head = [
    "Client:",
    ` Version:    ${client.Version}`,
    ` Context:    ${client.Context}`,
    ` Debug Mode: ${client.Debug}`,
    "",
    "Server:",
  ];
  const lines = server === undefined ? [] : serverLines(server).map((line) => ` ${line}`);
  return `${[...head, ...lines, ""].join("\n")}\n`;
}

function serverLines(info: SystemInfo): string[] {
  return [
    ...counts(info),
    ...storage(info),
    ...plugins(info),
    ...runtimes(info),
    ...security(info),
    ...host(info),
    ...network(info),
  ];
}

function counts(info: SystemInfo): string[] {
  return [
    `Containers: ${info.Containers ?? 0}`,
    ` Running: ${info.ContainersRunning ?? 0}`,
    ` Paused: ${info.ContainersPaused ?? 0}`,
    ` Stopped: ${info.ContainersStopped ?? 0}`,
    `Images: ${info.Images ?? 0}`,
    ...optional("Server Version", info.ServerVersion),
  ];
}

function storage(info: SystemInfo): string[] {
  const status = (info.DriverStatus ?? []).map(([name, value]) => ` ${name}: ${value}`);
  return [
    ...optional("Storage Driver", info.Driver),
    ...status,
    ...optional("Logging Driver", info.LoggingDriver),
    ...optional("Cgroup Driver", info.CgroupDriver),
    ...optional("Cgroup Version", info.CgroupVersion),
  ];
}

function plugins({ Plugins: plugins, CDISpecDirs: directories = [], Swarm: swarm }: SystemInfo): string[] {
  const lines = [
    "Plugins:",
    ` Volume: ${(plugins?.Volume ?? []).join(" ")}`,
    ` Network: ${(plugins?.Network ?? []).join(" ")}`,
  ];
  if ((plugins?.Authorization ?? []).length > 0) lines.push(` Authorization: ${plugins?.Authorization?.join(" ")}`);
  lines.push(` Log: ${(plugins?.Log ?? []).join(" ")}`);
  if (directories.length > 0) lines.push("CDI spec directories:", ...directories.map((path) => `  ${path}`));
  lines.push(`Swarm: ${swarm?.LocalNodeState || "inactive"}`);
  return lines;
}

function runtimes(info: SystemInfo): string[] {
  const names = Object.keys(info.Runtimes ?? {});
  return [
    ...(names.length === 0 ? [] : [`Runtimes: ${names.sort().join(" ")}`, `Default Runtime: ${info.DefaultRuntime}`]),
    ...optional("Init Binary", info.InitBinary),
    ...commit("containerd", info.ContainerdCommit),
    ...commit("runc", info.RuncCommit),
    ...commit("init", info.InitCommit),
  ];
}

function commit(name: string, commit: { ID?: string } | undefined): string[] {
  return commit === undefined ? [] : [`${name} version: ${commit.ID ?? ""}`];
}

/** `name=seccomp,profile=builtin` becomes a line with its properties below. */
function security({ SecurityOptions: options = [] }: SystemInfo): string[] {
  const lines = options.flatMap((option) => {
    const properties = option.split(",").map((property) => property.split("="));
    const name = properties.find(([key]) => key === "name")?.[1] ?? option;
    const others = properties.filter(([key, value]) => key !== "name" && value !== undefined);
    return [` ${name}`, ...others.map(([key = "", value = ""]) => `  ${capitalized(key)}: ${value}`)];
  });
  return lines.length === 0 ? [] : ["Security Options:", ...lines];
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function host(info: SystemInfo): string[] {
  return [
    ...optional("Kernel Version", info.KernelVersion),
    ...optional("Operating System", info.OperatingSystem),
    ...optional("OSType", info.OSType),
    ...optional("Architecture", info.Architecture),
    `CPUs: ${info.NCPU ?? 0}`,
    `Total Memory: ${formatBinarySize(info.MemTotal ?? 0)}`,
    ...optional("Name", info.Name),
    ...optional("ID", info.ID),
    `Docker Root Dir: ${info.DockerRootDir ?? ""}`,
    `Debug Mode: ${info.Debug ?? false}`,
    ...debugCounts(info),
    ...optional("HTTP Proxy", info.HttpProxy),
    ...optional("HTTPS Proxy", info.HttpsProxy),
    ...optional("No Proxy", info.NoProxy),
    ...(info.Labels?.length ? ["Labels:", ...info.Labels.map((label) => ` ${label}`)] : []),
    `Experimental: ${info.ExperimentalBuild ?? false}`,
  ];
}

function debugCounts(info: SystemInfo): string[] {
  if (info.Debug !== true) return [];
  return [
    ` File Descriptors: ${info.NFd ?? 0}`,
    ` Goroutines: ${info.NGoroutines ?? 0}`,
    ` System Time: ${info.SystemTime ?? ""}`,
    ` EventsListeners: ${info.NEventsListener ?? 0}`,
  ];
}

function network(info: SystemInfo): string[] {
  const registries = info.RegistryConfig;
  const insecure = [
    ...Object.values(registries?.IndexConfigs ?? {}).flatMap((each) =>
      each?.Secure === false ? [each.Name ?? ""] : [],
    ),
    ...(registries?.InsecureRegistryCIDRs ?? []),
  ];
  const mirrors = registries?.Mirrors ?? [];
  const pools = (info.DefaultAddressPools ?? []).map(({ Base, Size }) => `  Base: ${Base}, Size: ${Size}`);
  return [
    ...(insecure.length === 0 ? [] : ["Insecure Registries:", ...insecure.map((name) => ` ${name}`)]),
    ...(mirrors.length === 0 ? [] : ["Registry Mirrors:", ...mirrors.map((name) => ` ${name}`)]),
    `Live Restore Enabled: ${info.LiveRestoreEnabled ?? false}`,
    ...optional("Product License", info.ProductLicense),
    ...(pools.length === 0 ? [] : ["Default Address Pools:", ...pools.map((line) => line.slice(1))]),
    ...(info.FirewallBackend?.Driver ? [`Firewall Backend: ${info.FirewallBackend.Driver}`] : []),
  ];
}

function optional(label: string, value: string | undefined): string[] {
  return value === undefined || value === "" ? [] : [`${label}: ${value}`];
}
