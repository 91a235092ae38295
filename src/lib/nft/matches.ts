/** What rules test, as people say it; each match is a few expressions. Rules are written `[...match, ...match, action]`. */
import { text } from "#lib/netlink";
import {
  compare,
  conntrack,
  destinationType,
  type Expression,
  lookUp,
  maskBits,
  meta,
  payload,
  WORD_REGISTERS,
} from "./expressions.ts";

const NFPROTO_IPV4 = 2;
const INTERFACE_NAME_BYTES = 16;
const SOURCE_ADDRESS = { offset: 12, length: 4 };
const DESTINATION_ADDRESS = { offset: 16, length: 4 };
/** TCP, UDP and SCTP have it at the same place. */
const DESTINATION_PORT = { offset: 2, length: 2 };
const RTN_LOCAL = 2;
const CT_STATE = { established: 2, related: 4 } as const;
const CT_STATUS_DNAT = 1 << 5;

/** `meta nfproto ipv4`: whatever looks at an IPv4 header must ask this first. */
export function isIPv4(): Expression[] {
  return [meta("nfproto"), compare("equal", Uint8Array.of(NFPROTO_IPV4))];
}

/** `iifname NAME`, `oifname NAME`; negated: `!= NAME`. */
export function interfaceIs(side: "iifname" | "oifname", name: string): Expression[] {
  return [meta(side), compare("equal", paddedName(name))];
}

export function interfaceIsNot(side: "iifname" | "oifname", name: string): Expression[] {
  return [meta(side), compare("unequal", paddedName(name))];
}

/** `ip saddr NETWORK/MASK`, both four bytes. */
export function sourceIn(network: Uint8Array, mask: Uint8Array): Expression[] {
  return [payload("network", SOURCE_ADDRESS), maskBits(mask), compare("equal", network)];
}

/** `ip daddr NETWORK/MASK`, both four bytes. */
export function destinationIn(network: Uint8Array, mask: Uint8Array): Expression[] {
  return [payload("network", DESTINATION_ADDRESS), maskBits(mask), compare("equal", network)];
}

/** `fib daddr type local`: the destination is an address of this host. */
export function destinationIsLocal(): Expression[] {
  return [destinationType(), compare("equal", hostOrder(RTN_LOCAL))];
}

/** `ct state established,related`. */
export function isEstablished(): Expression[] {
  return anyBit(conntrack("state"), CT_STATE.established | CT_STATE.related);
}

/** `ct status dnat`: the destination was translated, by us or by somebody else. */
export function isDestinationTranslated(): Expression[] {
  return anyBit(conntrack("status"), CT_STATUS_DNAT);
}

/** `ip daddr . meta l4proto . th dport map @MAP`. */
export function addressProtocolPortIn(map: string): Expression[] {
  const [second, third] = WORD_REGISTERS;
  return [
    payload("network", DESTINATION_ADDRESS),
    meta("l4proto", second),
    payload("transport", DESTINATION_PORT, third),
    lookUp(map),
  ];
}

/** `meta l4proto . th dport map @MAP`. */
export function protocolPortIn(map: string): Expression[] {
  return [meta("l4proto"), payload("transport", DESTINATION_PORT, WORD_REGISTERS[0]), lookUp(map)];
}

function anyBit(load: Expression, bits: number): Expression[] {
  return [load, maskBits(hostOrder(bits)), compare("unequal", hostOrder(0))];
}

function hostOrder(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

function paddedName(name: string): Uint8Array {
  const bytes = new Uint8Array(INTERFACE_NAME_BYTES);
  bytes.set(text(name));
  return bytes;
}
