import { BlockList, isIP } from "node:net";
import { EngineError } from "#lib/errors";

/** Addresses of a host; empty when it has none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** What never leaves the machine needs no certificate. */
const LOOPBACK = ["127.0.0.0/8", "::1/128"];

/**
 * Whether a registry may be spoken to without a valid certificate: its host is named, or one of its addresses is in a network that
 * is. `entries` are what `parseInsecureRegistry` gave.
 */
export async function isInsecure(host: string, entries: readonly string[], resolve: ResolveHost): Promise<boolean> {
  if (entries.includes(host)) return true;
  const networks = new BlockList();
  for (const entry of [...LOOPBACK, ...entries]) addNetwork(networks, entry);
  const hostname = hostnameOf(host);
  const addresses = isIP(hostname) ? [hostname] : await resolve(hostname);
  return addresses.some((address) => isIP(address) && networks.check(address, familyOf(address)));
}

/** A host or a network, as the administrator wrote it; a scheme is taken off, as dockerd does. @throws `invalid-parameter` */
export function parseInsecureRegistry(text: string): string {
  const entry = text.replace(/^https?:\/\//i, "");
  if (entry.includes("/") ? isNetwork(entry) : isHost(entry)) return entry;
  throw invalid(`insecure registry ${JSON.stringify(text)} is not valid: give host, host:port or network/prefix`);
}

/** `host`, `host:port` or `[v6]:port` as in references. */
export function isHost(text: string): boolean {
  return /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?|\[[a-fA-F0-9:.]+\])(?::\d{1,5})?$/.test(text);
}

/** The host without its port, and without the brackets of an IPv6 address. */
export function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

export function isNetwork(text: string): boolean {
  return addNetwork(new BlockList(), text);
}

/** False when the text is no network. */
export function addNetwork(list: BlockList, text: string): boolean {
  const [address = "", prefix = "", ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || !/^\d{1,3}$/.test(prefix)) return false;
  if (Number(prefix) > (version === 4 ? 32 : 128)) return false;
  list.addSubnet(address, Number(prefix), familyOf(address));
  return true;
}

export function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
