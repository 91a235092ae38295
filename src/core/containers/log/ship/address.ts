/** Addresses of sinks, as URLs. */
import { refused } from "../../errors.ts";

export type Address =
  | { readonly transport: "tcp" | "udp" | "tls"; readonly host: string; readonly port: number }
  | { readonly transport: "unix" | "unixgram"; readonly path: string };

export interface AddressParts {
  /** Empty when the text has none. */
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
}

/** Takes a URL apart, without judging it. */
export function splitAddress(text: string): AddressParts {
  const match = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?([^/]*)(.*)$/.exec(text);
  return { scheme: match?.[1] ?? "", authority: match?.[2] ?? "", path: match?.[3] ?? "" };
}

/** `host:port`, where IPv6 hosts stand in brackets. @throws `invalid-parameter` in Go's words */
export function splitHostPort(authority: string, defaultPort: number | undefined): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(authority);
  if (!match) throw refused(`address ${authority}: too many colons in address`);
  const host = match[1] ?? match[2] ?? "";
  if (match[3] === undefined) {
    if (defaultPort === undefined) throw refused(`address ${authority}: missing port in address`);
    return { host, port: defaultPort };
  }
  const port = Number(match[3]);
  if (!/^\d{1,5}$/.test(match[3]) || port > 65535) throw refused(`invalid port ":${match[3]}" after host`);
  return { host, port };
}

/** As people read it, in logs and messages. */
export function showAddress(address: Address): string {
  return "path" in address
    ? `${address.transport}://${address.path}`
    : `${address.transport}://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
