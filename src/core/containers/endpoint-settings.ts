import { isIP } from "node:net";
import type { EndpointSettings } from "#api/engine";
import type { InterfaceSettings } from "#core/networks";
import { refused } from "./errors.ts";

/** Options of an endpoint that are not its driver's, but of the interface in the container. */
const IFNAME = "com.docker.network.endpoint.ifname";
const SYSCTLS = "com.docker.network.endpoint.sysctls";
const PREDEFINED = ["bridge", "host", "none"];

/** @throws `invalid-parameter`, in Docker's words, all that is wrong at once */
export function validateEndpoint(name: string, settings: EndpointSettings): void {
  checkMacAddress(name, settings.MacAddress);
  const faults = [
    ...(PREDEFINED.includes(name) ? userDefinedOnly(settings) : []),
    ...addressFaults(settings),
    ...(name === "bridge" ? subnetFaults(settings) : []),
    ...sysctlsOf(settings).flatMap(sysctlFaults),
    ...interfaceFaults(settings.DriverOpts?.[IFNAME]),
  ];
  if (faults.length === 0) return;
  const text = faults.length === 1 ? faults[0] : faults.map((fault) => `* ${fault}`).join("\n");
  throw refused(`invalid config for network ${name}: invalid endpoint settings:\n${text}`);
}

/** @throws `invalid-parameter` */
export function checkMacAddress(network: string, text: string | null | undefined): void {
  if (text && !/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) {
    throw refused(`invalid config for network ${network}: invalid MAC address ${text}`);
  }
}

/** What the settings say of the interface; `IFNAME` in the names of sysctls stands for it; the command line writes it small. */
export function interfaceSettings(settings: EndpointSettings | undefined): InterfaceSettings {
  const name = settings?.DriverOpts?.[IFNAME] ?? "";
  const sysctls = sysctlsOf(settings ?? {}).map((text) => {
    const equals = text.indexOf("=");
    return { key: text.slice(0, equals), value: text.slice(equals + 1) };
  });
  return { name, sysctls };
}

function userDefinedOnly({ IPAMConfig, Aliases }: EndpointSettings): string[] {
  const fixed = IPAMConfig?.IPv4Address || IPAMConfig?.IPv6Address;
  return [
    ...(fixed ? ["user specified IP address is supported on user defined networks only"] : []),
    ...(Aliases?.length ? ["network-scoped alias is supported only for containers in user defined networks"] : []),
  ];
}

function addressFaults({ IPAMConfig }: EndpointSettings): string[] {
  const { IPv4Address: v4, IPv6Address: v6, LinkLocalIPs = [] } = IPAMConfig ?? {};
  return [
    ...(v4 && isIP(v4) !== 4 ? [`invalid IPv4 address: ${v4}`] : []),
    ...(v6 && isIP(v6) !== 6 ? [`invalid IPv6 address: ${v6}`] : []),
    ...(LinkLocalIPs ?? []).filter((ip) => isIP(ip) === 0).map((ip) => `invalid link-local IP address: ${ip}`),
  ];
}

/** The default bridge's subnet is the engine's choice. */
function subnetFaults({ IPAMConfig }: EndpointSettings): string[] {
  const fixed = [IPAMConfig?.IPv4Address, IPAMConfig?.IPv6Address].filter(Boolean);
  return fixed.map(
    () => "user specified IP address is supported only when connecting to networks with user configured subnets",
  );
}

function sysctlsOf({ DriverOpts }: EndpointSettings): string[] {
  return (DriverOpts?.[SYSCTLS] ?? "").split(",").filter((text) => text !== "");
}

function sysctlFaults(text: string): string[] {
  if (/^net\.(ipv4|ipv6|mpls)\.[\w-]+\.IFNAME\.[\w-]+=/i.test(text)) return [];
  return [
    `unrecognised network interface sysctl '${text}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be ` +
      "'ipv4', 'ipv6' or 'mpls'",
  ];
}

/** What the kernel takes for a link's name (dev_valid_name), but for the loopback's. */
function interfaceFaults(name: string | undefined): string[] {
  if (!name || (/^[^\s/:%]{1,15}$/.test(name) && ![".", "..", "lo"].includes(name))) return [];
  return [`invalid interface name "${name}"`];
}
