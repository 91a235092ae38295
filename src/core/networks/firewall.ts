/**
 * One nftables table for each bridge, `inet tug` for the default one, else `inet tug-BRIDGE`. No other table is touched,
 * and ours only ever drops what is meant for our containers; whatever another table drops stays dropped. As nft shows it:
 *
 *     map published-at  { host address . protocol . port : container address . port }    -p 127.0.0.1:80:80
 *     map published     { protocol . port : container address . port }                   -p 80:80
 *
 *     raw prerouting    no container may speak to or as the host's 127.0.0.1, which `route_localnet` would let it
 *     nat prerouting    what comes for one of the host's addresses → publish; not 127.0.0.1, which nobody outside may ask for
 *     nat output        what the host sends to one of its own addresses → publish
 *     publish           destination by published-at, else by published
 *     forward           to containers only: answers, each other, and what was published
 *     nat postrouting   out by another link, or back to a container by way of the host: from the host's address
 *
 * A published port is one element, so that publishing is one small batch whatever the number of ports.
 */
import type { NetlinkOp } from "#executor";
import { NETLINK_NETFILTER, type NetlinkMessage, u16be, u32be } from "#lib/netlink";
import * as nft from "#lib/nft";
import type { Endpoint, PortBound } from "./network.ts";
import { mask, parseAddress, type Subnet, toBytes } from "./subnet.ts";

const PUBLISHED = "published";
const PUBLISHED_AT = "published-at";
const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;
const LOOPBACK_NET: Subnet = { base: 0x7f000000, prefixLength: 8 };
const ANY_ADDRESS = "0.0.0.0";
const ENOENT = 2;
const EEXIST = 17;

/** A container's published port, with the container's address. */
export interface Publication {
  readonly port: PortBound;
  readonly address: string;
}

export function publicationsOf({ ports, address }: Endpoint): Publication[] {
  return ports.map((port) => ({ port, address }));
}

/** Makes the table anew, with everything that is published, in one atomic step: connections do not notice. */
export function rebuildTable(
  table: string,
  bridge: { name: string; subnet: Subnet },
  published: readonly Publication[],
): NetlinkOp {
  const messages = [
    ...emptied(table),
    nft.addTable(table),
    ...maps(table),
    ...rules(table, bridge),
    ...elements(table, published, nft.addElements),
  ];
  return batchOp(`set up nft table "${table}"`, messages);
}

/** Removes the table. Absence is fine. */
export function removeTable(table: string): NetlinkOp {
  return batchOp(`remove nft table "${table}"`, emptied(table));
}

/** Publishes ports. IPv6 ones are left out, since no rule can translate them to IPv4; empty when that leaves nothing. */
export function publish(table: string, published: readonly Publication[]): NetlinkOp[] {
  const messages = elements(table, published, nft.addElements);
  return messages.length > 0 ? [batchOp("publish ports", messages)] : [];
}

/** Takes published ports back. Absence is fine. */
export function unpublish(table: string, published: readonly Publication[]): NetlinkOp[] {
  // Deleting an absent element fails the batch, adding a present one does not; an element that is somebody else's by
  // now (EEXIST) is left alone.
  const messages = [...elements(table, published, nft.addElements), ...elements(table, published, nft.deleteElements)];
  return messages.length > 0 ? [batchOp("unpublish ports", messages, [ENOENT, EEXIST])] : [];
}

/** Adding first makes the deletion of an absent table no error. */
function emptied(table: string): NetlinkMessage[] {
  return [nft.addTable(table), nft.deleteTable(table)];
}

function maps(table: string): NetlinkMessage[] {
  const value = ["ipv4_addr", "inet_service"] as const;
  return [
    nft.addMap(table, { name: PUBLISHED_AT, key: ["ipv4_addr", "inet_proto", "inet_service"], value, id: 1 }),
    nft.addMap(table, { name: PUBLISHED, key: ["inet_proto", "inet_service"], value, id: 2 }),
  ];
}

function rules(table: string, { name, subnet }: { name: string; subnet: Subnet }): NetlinkMessage[] {
  const loopback = range(LOOPBACK_NET);
  const containers = range(subnet);
  const fromBridge = nft.interfaceIs("iifname", name);
  const toBridge = nft.interfaceIs("oifname", name);
  const toElsewhere = nft.interfaceIsNot("oifname", name);
  const { isIPv4, sourceIn, destinationIn, destinationIsLocal, isDestinationTranslated, verdict } = nft;
  return [
    ...chain(table, "publish", undefined, [
      [...isIPv4(), ...nft.addressProtocolPortIn(PUBLISHED_AT), nft.dnat()],
      [...isIPv4(), ...nft.protocolPortIn(PUBLISHED), nft.dnat()],
    ]),
    ...chain(table, "raw-prerouting", { type: "filter", hook: "prerouting", priority: nft.PRIORITY.raw }, [
      [...fromBridge, ...isIPv4(), ...destinationIn(...loopback), nft.counter(), verdict("drop")],
      [...fromBridge, ...isIPv4(), ...sourceIn(...loopback), nft.counter(), verdict("drop")],
    ]),
    ...chain(table, "nat-prerouting", { type: "nat", hook: "prerouting", priority: nft.PRIORITY.dstnat }, [
      [...isIPv4(), ...destinationIn(...loopback), verdict("return")],
      [...isIPv4(), ...destinationIsLocal(), verdict("goto", "publish")],
    ]),
    ...chain(table, "nat-output", { type: "nat", hook: "output", priority: nft.PRIORITY.dstnat }, [
      [...isIPv4(), ...destinationIsLocal(), verdict("goto", "publish")],
    ]),
    ...chain(table, "forward", { type: "filter", hook: "forward", priority: nft.PRIORITY.filter }, [
      [...toElsewhere, verdict("accept")],
      [...nft.isEstablished(), verdict("accept")],
      [...fromBridge, verdict("accept")],
      [...isDestinationTranslated(), verdict("accept")],
      [nft.counter(), verdict("drop")],
    ]),
    ...chain(table, "nat-postrouting", { type: "nat", hook: "postrouting", priority: nft.PRIORITY.srcnat }, [
      [...isIPv4(), ...sourceIn(...containers), ...toElsewhere, nft.masquerade()],
      [...isIPv4(), ...sourceIn(...containers), ...toBridge, ...isDestinationTranslated(), nft.masquerade()],
      [...isIPv4(), ...sourceIn(...loopback), ...toBridge, nft.masquerade()],
    ]),
  ];
}

function chain(
  table: string,
  name: string,
  base: nft.BaseChain | undefined,
  chainRules: readonly (readonly nft.Expression[])[],
): NetlinkMessage[] {
  return [nft.addChain(table, name, base), ...chainRules.map((rule) => nft.addRule(table, name, rule))];
}

function elements(table: string, published: readonly Publication[], change: typeof nft.addElements): NetlinkMessage[] {
  const ipv4 = published.filter(({ port }) => !port.hostAddress.includes(":"));
  const everywhere = ipv4.filter(({ port }) => port.hostAddress === ANY_ADDRESS);
  const somewhere = ipv4.filter(({ port }) => port.hostAddress !== ANY_ADDRESS);
  return [
    ...(somewhere.length > 0 ? [change(table, PUBLISHED_AT, somewhere.map(elementAt))] : []),
    ...(everywhere.length > 0 ? [change(table, PUBLISHED, everywhere.map(element))] : []),
  ];
}

function element({ port, address }: Publication): nft.MapElement {
  return {
    key: Buffer.concat([word(Uint8Array.of(PROTOCOL_NUMBERS[port.protocol])), word(u16be(port.hostPort))]),
    value: Buffer.concat([toBytes(parseAddress(address)), word(u16be(port.containerPort))]),
  };
}

function elementAt(publication: Publication): nft.MapElement {
  const { key, value } = element(publication);
  return { key: Buffer.concat([toBytes(parseAddress(publication.port.hostAddress)), key]), value };
}

/** A field of a concatenation starts at a 4-byte word. */
function word(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(4);
  padded.set(bytes);
  return padded;
}

function range({ base, prefixLength }: Subnet): [network: Uint8Array, mask: Uint8Array] {
  return [toBytes(base), u32be(mask(prefixLength))];
}

function batchOp(what: string, messages: readonly NetlinkMessage[], ignore: readonly number[] = []): NetlinkOp {
  return { op: "netlink", protocol: NETLINK_NETFILTER, ...nft.encodeBatch(messages), ignore, what };
}
