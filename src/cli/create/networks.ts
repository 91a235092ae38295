import type { EndpointSettings } from "#api/engine";
import { EngineError } from "#lib/errors";
import { quote } from "#lib/template";
import { parseCsvLine } from "../values/csv.ts";
import type { CreateFlags } from "./flags.ts";

/** One `--network`: a name alone, or a name with how to be attached to it. */
export interface NetworkAttachment {
  readonly target: string;
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly linkLocalIps: readonly string[];
  readonly macAddress: string;
  readonly gatewayPriority: number;
}

const NO_OPTIONS: Omit<NetworkAttachment, "target"> = {
  aliases: [],
  links: [],
  driverOptions: {},
  ipv4: "",
  ipv6: "",
  linkLocalIps: [],
  macAddress: "",
  gatewayPriority: 0,
};

/** `name`, or fields: `name=foo,alias=a,ip=…`. */
export function parseNetwork(text: string): NetworkAttachment {
  if (!/\w+=\w+/.test(text)) return { ...NO_OPTIONS, target: text };
  let attachment: NetworkAttachment = { ...NO_OPTIONS, target: "" };
  for (const field of parseCsvLine(text)) {
    const equals = field.indexOf("=");
    if (equals < 0) throw invalid(`invalid field ${field}`);
    const key = field.slice(0, equals).trim().toLowerCase();
    attachment = withField(
      attachment,
      key,
      field
        .slice(equals + 1)
        .trim()
        .toLowerCase(),
    );
  }
  if (attachment.target === "") throw invalid("network name/id is not specified");
  return attachment;
}

function withField(attachment: NetworkAttachment, key: string, value: string): NetworkAttachment {
  switch (key) {
    case "name":
      return { ...attachment, target: value };
    case "alias":
      return { ...attachment, aliases: [...attachment.aliases, value] };
    case "ip":
      return { ...attachment, ipv4: value };
    case "ip6":
      return { ...attachment, ipv6: value };
    case "mac-address":
      return { ...attachment, macAddress: value };
    case "link-local-ip":
      return { ...attachment, linkLocalIps: [...attachment.linkLocalIps, value] };
    case "driver-opt":
      return { ...attachment, driverOptions: { ...attachment.driverOptions, ...driverOption(value) } };
    case "gw-priority":
      if (!/^[+-]?\d{1,15}$/.test(value)) throw invalid(`invalid gw-priority (${value}): invalid syntax`);
      return { ...attachment, gatewayPriority: Number(value) };
    default:
      throw invalid(`invalid field key ${key}`);
  }
}

function driverOption(text: string): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 0) throw invalid("invalid key value pair format in driver options");
  return { [text.slice(0, equals).trim()]: text.slice(equals + 1).trim() };
}

const DEFAULT_NETWORK = "default";

export interface NetworkRequest {
  readonly mode: string;
  readonly endpoints: Record<string, EndpointSettings>;
}

/**
 * The network mode and the endpoints that the flags ask for. Flags such as `--ip` belong to the first network. A
 * single network without options goes out as the mode alone.
 *
 * @throws EngineError `invalid-parameter` for networks and options that do not go together.
 */
export function parseNetworks(flags: CreateFlags): NetworkRequest {
  const given = [...flags.network, ...flags.net];
  const attachments = given.length === 0 ? [{ ...NO_OPTIONS, target: DEFAULT_NETWORK }] : given;
  const endpoints: Record<string, EndpointSettings> = {};
  attachments.forEach((attachment, i) => {
    const merged = i === 0 ? withFlags(attachment, flags) : attachment;
    checkAttachment(merged);
    if (Object.hasOwn(endpoints, merged.target)) {
      throw invalid(`network ${quote(merged.target)} is specified multiple times`);
    }
    if (given.length !== 1 || hasOptions(merged)) endpoints[merged.target] = toEndpoint(merged);
  });
  const kinds = new Set(attachments.map(({ target }) => isUserDefined(target)));
  if (kinds.size > 1) {
    throw invalid("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  }
  return { mode: attachments[0]!.target, endpoints };
}

function withFlags(attachment: NetworkAttachment, flags: CreateFlags): NetworkAttachment {
  const aliases = [...flags["network-alias"], ...flags["net-alias"]];
  const linkLocalIps = flags["link-local-ip"];
  const conflicts: readonly (readonly [boolean, string])[] = [
    [attachment.aliases.length > 0 && aliases.length > 0, "--network-alias and per-network alias"],
    [attachment.ipv4 !== "" && flags.ip !== "", "--ip and per-network IPv4 address"],
    [attachment.ipv6 !== "" && flags.ip6 !== "", "--ip6 and per-network IPv6 address"],
    [attachment.macAddress !== "" && flags["mac-address"] !== "", "--mac-address and per-network MAC address"],
    [
      attachment.linkLocalIps.length > 0 && linkLocalIps.length > 0,
      "--link-local-ip and per-network link-local IP addresses",
    ],
  ];
  const conflict = conflicts.find(([isConflict]) => isConflict);
  if (conflict !== undefined) throw invalid(`conflicting options: cannot specify both ${conflict[1]}`);
  return {
    ...attachment,
    aliases: aliases.length > 0 ? aliases : attachment.aliases,
    links: isUserDefined(attachment.target) ? flags.link : [],
    ipv4: flags.ip || attachment.ipv4,
    ipv6: flags.ip6 || attachment.ipv6,
    macAddress: flags["mac-address"] || attachment.macAddress,
    linkLocalIps: linkLocalIps.length > 0 ? linkLocalIps : attachment.linkLocalIps,
  };
}

const MAC_ADDRESS = /^([0-9a-f]{2}([:-])[0-9a-f]{2}(\2[0-9a-f]{2}){4}|([0-9a-f]{4}\.){2}[0-9a-f]{4})$/i;

function checkAttachment(attachment: NetworkAttachment): void {
  const { target, aliases, macAddress } = attachment;
  if (target.trim() === "") throw invalid("no name set for network");
  if (!isUserDefined(target) && aliases.length > 0) {
    throw invalid("network-scoped aliases are only supported for user-defined networks");
  }
  if (macAddress !== "" && !MAC_ADDRESS.test(macAddress)) throw invalid(`${macAddress} is not a valid mac address`);
}

function isUserDefined(target: string): boolean {
  return !["default", "bridge", "host", "none"].includes(target) && !target.startsWith("container:");
}

function hasOptions(attachment: NetworkAttachment): boolean {
  const { target: _, ...options } = attachment;
  return JSON.stringify(options) !== JSON.stringify(NO_OPTIONS);
}

function toEndpoint(attachment: NetworkAttachment): EndpointSettings {
  const { ipv4, ipv6, linkLocalIps, driverOptions } = attachment;
  const hasIpam = ipv4 !== "" || ipv6 !== "" || linkLocalIps.length > 0;
  const ipam = {
    ...(ipv4 === "" ? {} : { IPv4Address: ipv4 }),
    ...(ipv6 === "" ? {} : { IPv6Address: ipv6 }),
    ...(linkLocalIps.length === 0 ? {} : { LinkLocalIPs: [...linkLocalIps] }),
  };
  return {
    ...(hasIpam ? { IPAMConfig: ipam } : {}),
    ...(attachment.links.length === 0 ? {} : { Links: [...attachment.links] }),
    ...(attachment.aliases.length === 0 ? {} : { Aliases: [...attachment.aliases] }),
    ...(attachment.macAddress === "" ? {} : { MacAddress: attachment.macAddress }),
    ...(Object.keys(driverOptions).length === 0 ? {} : { DriverOpts: { ...driverOptions } }),
    ...(attachment.gatewayPriority === 0 ? {} : { GwPriority: attachment.gatewayPriority }),
  };
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
