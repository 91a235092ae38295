import { isIP } from "node:net";
import { networkInterfaces } from "node:os";

/** Where a server listens. */
export interface Address {
  /** An address or name; `::` for all, of both families. */
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** `HOST:PORT`, `[IPv6]:PORT`, `:PORT` for all addresses. Undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, ipv6, host = "", digits] = match;
  const port = Number(digits);
  if (port > 65535 || (ipv6 !== undefined && isIP(ipv6) !== 6)) return undefined;
  return { hostname: ipv6 ?? (host === "" ? "::" : host), port };
}

export function formatAddress({ hostname, port }: Address): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Whether a server that listens there can be reached at any address of this machine. */
function isWildcard(hostname: string): boolean {
  return hostname === "::" || hostname === "0.0.0.0";
}

/** By which addresses clients can reach a server that listens there. Link-local ones differ from client to client. */
export function reachableAddresses(hostname: string): string[] {
  if (!isWildcard(hostname)) return [hostname];
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.map(({ address }) => address).filter((address) => !address.startsWith("fe80:"));
}
