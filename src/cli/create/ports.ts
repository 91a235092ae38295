import type { PortBinding, PortMap } from "#api/engine";
import { EngineError } from "#lib/errors";
import { isIp } from "./checks.ts";

const MAX_PORT = 65535;
const PROTOCOLS = ["tcp", "udp", "sctp"];

export interface PublishedPorts {
  readonly exposed: Record<string, Record<never, never>>;
  readonly bindings: PortMap;
}

/**
 * What `--publish` and `--expose` ask for.
 *
 * @throws EngineError `invalid-parameter` in the words of Docker's port grammar.
 */
export function parsePorts(publish: readonly string[], expose: readonly string[]): PublishedPorts {
  const exposed: Record<string, Record<never, never>> = {};
  const bindings: Record<string, PortBinding[]> = {};
  for (const spec of publish) {
    for (const { port, binding } of parsePublish(spec)) {
      exposed[port] = {};
      bindings[port] = [...(bindings[port] ?? []), binding];
    }
  }
  for (const spec of expose) for (const port of parseExpose(spec)) exposed[port] = {};
  return { exposed, bindings };
}

interface PublishedPort {
  /** `80/tcp`. */
  readonly port: string;
  readonly binding: PortBinding;
}

/** `[[ip:][hostPort]:]containerPort[/protocol]`, each port perhaps a range, or fields (`published=80,target=80`). */
function parsePublish(spec: string): PublishedPort[] {
  const raw = spec.includes("=") ? shortForm(spec) : spec;
  const { ip: rawIp, hostPort, containerPort: rawPort } = splitSpec(raw);
  const { port: containerPort, protocol } = splitProtocol(rawPort);
  const ip = parseHostIp(rawIp);
  if (containerPort === "") throw invalid(`no port specified: ${raw}<empty>`);
  const container = parseRange(containerPort);
  if (container === undefined) throw invalid(`invalid containerPort: ${containerPort}`);
  const host = hostPort === "" ? undefined : parseRange(hostPort);
  if (hostPort !== "" && host === undefined) throw invalid(`invalid hostPort: ${hostPort}`);
  const isRangeToOne = host !== undefined && container.first === container.last;
  if (host !== undefined && !isRangeToOne && sizeOf(host) !== sizeOf(container)) {
    throw invalid(`invalid ranges specified for container and host Ports: ${containerPort} and ${hostPort}`);
  }
  if (!PROTOCOLS.includes(protocol.toLowerCase())) throw invalid(`invalid proto: ${protocol}`);
  return Array.from({ length: sizeOf(container) }, (_, i) => ({
    port: `${container.first + i}/${protocol.toLowerCase()}`,
    binding: { HostIp: ip, HostPort: hostPortText(host, isRangeToOne, i) },
  }));
}

function hostPortText(host: Range | undefined, isRangeToOne: boolean, i: number): string {
  if (host === undefined) return "";
  if (isRangeToOne && host.first !== host.last) return `${host.first}-${host.last}`;
  return String(host.first + i);
}

function shortForm(spec: string): string {
  const fields: Record<string, string> = { protocol: "tcp", published: "", target: "" };
  for (const field of spec.split(",")) {
    const equals = field.indexOf("=");
    if (equals < 0) throw invalid(`invalid publish opts format (should be name=value but got '${field}')`);
    fields[field.slice(0, equals)] = field.slice(equals + 1);
  }
  return `${fields.published}:${fields.target}/${fields.protocol}`;
}

function splitSpec(spec: string): { ip: string; hostPort: string; containerPort: string } {
  const parts = spec.split(":");
  const containerPort = parts.pop() ?? "";
  const hostPort = parts.pop() ?? "";
  return { ip: parts.join(":"), hostPort, containerPort };
}

function parseHostIp(raw: string): string {
  if (raw === "") return "";
  if (raw.startsWith("[") && !raw.endsWith("]")) {
    throw invalid(`invalid IP address ${raw}: address ${raw}:: missing ']' in address`);
  }
  const ip = raw.replace(/^\[(.*)\]$/, "$1");
  if (!isIp(ip)) throw invalid(`invalid IP address: ${ip}`);
  return ip;
}

/** `80`, `80-90` with an optional protocol; only ports inside the container. */
function parseExpose(spec: string): string[] {
  if (spec.includes(":")) throw invalid(`invalid port format for --expose: ${spec}`);
  const { port, protocol } = splitProtocol(spec);
  const fault = (reason: string) => invalid(`invalid range format for --expose: ${spec}, error: ${reason}`);
  if (port === "") throw fault("empty string specified for ports");
  for (const number of port.split("-").slice(0, 2)) {
    if (!/^\d+$/.test(number)) throw fault(`strconv.ParseUint: parsing "${number}": invalid syntax`);
    if (Number(number) > MAX_PORT) throw fault(`strconv.ParseUint: parsing "${number}": value out of range`);
  }
  const range = parseRange(port);
  if (range === undefined) throw fault(`invalid range specified for port: ${port}`);
  return Array.from({ length: sizeOf(range) }, (_, i) => `${range.first + i}/${protocol}`);
}

function splitProtocol(spec: string): { port: string; protocol: string } {
  const [port = "", protocol] = spec.split("/");
  return { port, protocol: protocol || "tcp" };
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function sizeOf(range: Range): number {
  return range.last - range.first + 1;
}

function parseRange(text: string): Range | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= MAX_PORT ? { first, last } : undefined;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
