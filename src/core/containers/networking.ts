import { isIP } from "node:net";
import type { ContainerConfig, EndpointSettings, HostConfig } from "#api/engine";
import type { CreateRequest } from "./containers.ts";
import { refused } from "./errors.ts";

/** What a create request says of a container's network, in Docker's words. @throws `invalid-parameter`; returns warnings */
export function validateNetworking(
  { config, networking }: Pick<CreateRequest, "config" | "networking">,
  hostConfig: HostConfig,
): string[] {
  validateMode(config, hostConfig);
  for (const entry of hostConfig.ExtraHosts ?? []) validateExtraHost(entry);
  for (const address of hostConfig.Dns ?? []) {
    if (isIP(address) === 0)
      throw refused(`bad nameserver address ${address}: ParseAddr("${address}"): unable to parse IP`);
  }
  validateMacAddress(config.MacAddress);
  const { bridge } = networking.EndpointsConfig ?? {};
  if (bridge) validateEndpoint(bridge);
  const discards = hostConfig.NetworkMode === "host" && Object.keys(hostConfig.PortBindings ?? {}).length > 0;
  return discards ? ["Published ports are discarded when using host network mode"] : [];
}

function validateMode(config: ContainerConfig, hostConfig: HostConfig): void {
  const mode = hostConfig.NetworkMode ?? "";
  if (mode === "container:") throw refused("invalid network mode: invalid container format container:<name|id>");
  if (!mode.startsWith("container:")) return;
  if (config.Hostname) throw refused("conflicting options: hostname and the network mode");
  if (hostConfig.ExtraHosts?.length)
    throw refused("conflicting options: custom host-to-IP mapping and the network mode");
  if (hostConfig.Dns?.length) throw refused("conflicting options: dns and the network mode");
  if (Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts) {
    throw refused("conflicting options: port publishing and the container type network mode");
  }
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) {
    throw refused("conflicting options: port exposing and the container type network mode");
  }
}

/** `NAME:ADDRESS` */
function validateExtraHost(entry: string): void {
  const colon = entry.indexOf(":");
  const address = entry.slice(colon + 1);
  if (colon <= 0) throw refused(`bad format for add-host: "${entry}"`);
  if (address !== "host-gateway" && isIP(address.replace(/^\[(.*)\]$/, "$1")) === 0) {
    throw refused(`invalid IP address in add-host: "${address}"`);
  }
}

function validateMacAddress(text: string | null | undefined): void {
  if (text && !/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) {
    throw refused(`invalid config for network bridge: invalid MAC address ${text}`);
  }
}

/** On the default bridge addresses are the engine's to choose, and names are not looked up. */
function validateEndpoint({ IPAMConfig, Aliases, MacAddress }: EndpointSettings): void {
  validateMacAddress(MacAddress);
  const wrong = "invalid config for network bridge: invalid endpoint settings:\n";
  if (Aliases?.length) {
    throw refused(`${wrong}network-scoped alias is supported only for containers in user defined networks`);
  }
  if (IPAMConfig?.IPv4Address || IPAMConfig?.IPv6Address) {
    throw refused(
      `${wrong}* user specified IP address is supported on user defined networks only\n` +
        "* user specified IP address is supported only when connecting to networks with user configured subnets",
    );
  }
}
