import { isIP } from "node:net";
import type { ContainerConfig, EndpointSettings, HostConfig, NetworkingConfig } from "#api/engine";
import type { CreateRequest } from "./containers.ts";
import { checkMacAddress, validateEndpoint } from "./endpoint-settings.ts";
import { refused } from "./errors.ts";
import { networkMode } from "./host-config.ts";

interface NetworkingPlan {
  /** With the MAC address that the container has on its main network. */
  readonly config: ContainerConfig;
  readonly networking: NetworkingConfig;
  readonly warnings: readonly string[];
}

/** What a create request says of a container's networks. @throws `invalid-parameter`, in Docker's words */
export function planNetworking({ config, hostConfig, networking }: CreateRequest): NetworkingPlan {
  const mode = networkMode(hostConfig);
  validateOptions(config, hostConfig);
  checkMacAddress(mode, config.MacAddress);
  const { MacAddress: asked, ...rest } = config;
  const endpoints = placeMacAddress(namedEndpoints(networking), mode, asked ?? "");
  for (const [name, settings] of Object.entries(endpoints)) validateEndpoint(name, settings);
  const address = hasInterface(mode) ? endpoints[mode]?.MacAddress : "";
  const discards = mode === "host" && Object.keys(hostConfig.PortBindings ?? {}).length > 0;
  return {
    config: address ? { ...rest, MacAddress: address } : rest,
    networking: { ...networking, EndpointsConfig: endpoints },
    warnings: [
      ...(asked
        ? ["The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead."]
        : []),
      ...(discards ? ["Published ports are discarded when using host network mode"] : []),
    ],
  };
}

type Endpoints = Readonly<Record<string, EndpointSettings>>;

/** `default` is what clients call the network that they name no other for. */
function namedEndpoints({ EndpointsConfig }: NetworkingConfig): Endpoints {
  const entries = Object.entries(EndpointsConfig ?? {});
  return Object.fromEntries(entries.map(([name, settings]) => [name === "default" ? "bridge" : name, settings ?? {}]));
}

/** The container's MAC address is the one on its main network. */
function placeMacAddress(endpoints: Endpoints, mode: string, asked: string): Endpoints {
  if (asked === "" || !hasInterface(mode)) return endpoints;
  const given = endpoints[mode]?.MacAddress;
  if (given && given !== asked) {
    throw refused(
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
    );
  }
  return { ...endpoints, [mode]: { ...endpoints[mode], MacAddress: asked } };
}

/** Without an interface of its own there is nothing to give the address to. */
function hasInterface(mode: string): boolean {
  return mode !== "host" && mode !== "none" && !mode.startsWith("container:");
}

function validateOptions(config: ContainerConfig, hostConfig: HostConfig): void {
  validateMode(config, hostConfig);
  for (const entry of hostConfig.ExtraHosts ?? []) validateExtraHost(entry);
  for (const address of hostConfig.Dns ?? []) {
    if (isIP(address) === 0)
      throw refused(`bad nameserver address ${address}: ParseAddr("${address}"): unable to parse IP`);
  }
}

function validateMode(config: ContainerConfig, hostConfig: HostConfig): void {
  const mode = hostConfig.NetworkMode ?? "";
  if (hostConfig.UTSMode === "host") checkHostUts(config);
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

function checkHostUts({ Hostname, Domainname }: ContainerConfig): void {
  if (Hostname) throw refused("conflicting options: hostname and the UTS mode");
  if (Domainname) throw refused('sysctl "kernel.domainname" is not in a separate kernel namespace');
}

/** `NAME:ADDRESS` */
function validateExtraHost(entry: string): void {
  const colon = entry.indexOf(":");
  const address = entry.slice(colon + 1);
  if (colon <= 0) throw refused(`bad format for add-host: "${entry}"`);
  if (address !== "host-gateway" && (isIP(address) === 0 || address.includes("%"))) {
    throw refused(`invalid IP address in add-host: "${address}"`);
  }
}
