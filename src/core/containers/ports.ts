import type { ContainerConfig, HostConfig } from "#api/engine";
import type { PortRequest } from "#core/networks";
import { refused } from "./errors.ts";

const LAST_PORT = 65535;
const PROTOCOLS = ["tcp", "udp", "sctp"] as const;

/** @throws `invalid-parameter` */
export function validatePorts(config: ContainerConfig, hostConfig: HostConfig): void {
  for (const key of Object.keys(config.ExposedPorts ?? {})) parsePort(key);
  requestedPorts(config, hostConfig);
}

/** The ports to publish: those the user bound, and with `PublishAllPorts` every exposed one. */
export function requestedPorts(config: ContainerConfig, hostConfig: HostConfig): PortRequest[] {
  const bound = Object.entries(hostConfig.PortBindings ?? {}).flatMap(([key, bindings]) => {
    const port = parsePort(key);
    const wanted = bindings && bindings.length > 0 ? bindings : [{}];
    return wanted.map(({ HostIp = "", HostPort = "" }) => ({
      ...port,
      hostAddress: parseAddress(HostIp),
      ...parseHostPort(HostPort),
    }));
  });
  if (!hostConfig.PublishAllPorts) return bound;
  const taken = new Set(bound.map((port) => `${port.containerPort}/${port.protocol}`));
  const exposed = Object.keys(config.ExposedPorts ?? {})
    .map(parsePort)
    .filter((port) => !taken.has(`${port.containerPort}/${port.protocol}`));
  return [...bound, ...exposed.map((port) => ({ ...port, hostAddress: "", hostPortFirst: 0, hostPortLast: 0 }))];
}

/** `80/tcp`, `80` */
function parsePort(text: string): Pick<PortRequest, "protocol" | "containerPort"> {
  const [number = "", name = "tcp", ...rest] = text.split("/");
  const protocol = PROTOCOLS.find((known) => known === name.toLowerCase());
  if (rest.length > 0 || !protocol) throw refused(`invalid port specification: "${text}"`);
  return { protocol, containerPort: parseNumber(number, text, 1) };
}

/** Empty, `8080` or `8000-8010`. */
function parseHostPort(text: string): Pick<PortRequest, "hostPortFirst" | "hostPortLast"> {
  if (text === "") return { hostPortFirst: 0, hostPortLast: 0 };
  const [first = "", last = first, ...rest] = text.split("-");
  const range = { hostPortFirst: parseNumber(first, text, 0), hostPortLast: parseNumber(last, text, 0) };
  if (rest.length > 0 || range.hostPortLast < range.hostPortFirst)
    throw refused(`invalid port specification: "${text}"`);
  return range;
}

function parseNumber(text: string, specification: string, least: number): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (number < least || number > LAST_PORT) throw refused(`invalid port specification: "${specification}"`);
  return number;
}

function parseAddress(text: string): string {
  const looksRight =
    text === "" || /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text);
  if (!looksRight) throw refused(`invalid IP address: ${text}`);
  return text;
}
