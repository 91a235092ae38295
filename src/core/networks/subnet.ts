/** IPv4 arithmetic. Addresses are unsigned 32-bit numbers here, dotted text at the borders. */
import { EngineError } from "#lib/errors";

export interface Subnet {
  /** The network's own address: the host bits are 0. */
  readonly base: number;
  readonly prefixLength: number;
}

/** An address on a network: `172.17.0.1/16`. */
export interface InterfaceAddress {
  readonly address: number;
  readonly subnet: Subnet;
}

/** @throws `invalid-parameter` unless `value` is four decimal bytes */
export function parseAddress(value: string): number {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(value)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) {
    throw new EngineError("invalid-parameter", `invalid IPv4 address "${value}"`);
  }
  return fromBytes(Uint8Array.from(parts));
}

/** Parses `ADDRESS/PREFIX`. @throws `invalid-parameter` */
export function parseInterfaceAddress(value: string): InterfaceAddress {
  const [, address, prefix] = /^([\d.]+)\/(\d{1,2})$/.exec(value) ?? [];
  if (address === undefined || Number(prefix) > 32) {
    throw new EngineError("invalid-parameter", `invalid CIDR address: ${value}`);
  }
  const parsed = parseAddress(address);
  return { address: parsed, subnet: subnetOf(parsed, Number(prefix)) };
}

export function subnetOf(address: number, prefixLength: number): Subnet {
  return { base: (address & mask(prefixLength)) >>> 0, prefixLength };
}

export function formatAddress(address: number): string {
  return toBytes(address).join(".");
}

export function formatSubnet({ base, prefixLength }: Subnet): string {
  return `${formatAddress(base)}/${prefixLength}`;
}

function contains({ base, prefixLength }: Subnet, address: number): boolean {
  return (address & mask(prefixLength)) >>> 0 === base;
}

/** Whether two subnets have an address in common: the one then lies in the other. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  return contains(a, b.base) || contains(b, a.base);
}

export function broadcastOf({ base, prefixLength }: Subnet): number {
  return (base | ~mask(prefixLength)) >>> 0;
}

/** In network order. */
export function toBytes(address: number): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}

/** From network order. */
export function fromBytes([a = 0, b = 0, c = 0, d = 0]: Uint8Array): number {
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** The netmask as a number. */
export function mask(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}
