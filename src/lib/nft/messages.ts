/**
 * nftables over netlink: tables, chains, rules, maps and their elements, as messages of one atomic batch
 * (linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h). All objects are of the `inet` family.
 */
import {
  type Attribute,
  attribute,
  type EncodedMessages,
  encodeMessages,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_DUMP,
  text,
  u32be,
} from "#lib/netlink";
import type { Expression } from "./expressions.ts";

export const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_DELTABLE = 2;
export const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_GETCHAIN = 4;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_NEWSET = 9;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const NFPROTO_UNSPEC = 0;
const NFPROTO_INET = 1;
const NFTA_LIST_ELEM = 1;
const NFTA_DATA_VALUE = 1;
const NFT_SET_MAP = 8;
const NF_ACCEPT = 1;

export const HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
/** The kernel's places in the order of a hook's chains (NF_IP_PRI_*). */
export const PRIORITY = { raw: -300, dstnat: -100, filter: 0, srcnat: 100 } as const;

/** The data types that nft shows elements in; each field of a concatenation takes a whole number of 4-byte words. */
const DATA_TYPES = { ipv4_addr: 7, inet_proto: 12, inet_service: 13 } as const;
const DATA_TYPE_BITS = 6;
const WORD_BYTES = 4;

export type DataType = keyof typeof DATA_TYPES;

export interface BaseChain {
  readonly type: "filter" | "nat";
  readonly hook: keyof typeof HOOKS;
  readonly priority: number;
}

export interface MapElement {
  /** The fields of the key, one after the other, each padded to 4 bytes. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Makes a table; one that exists is fine. */
export function addTable(table: string): NetlinkMessage {
  return nftables(NFT_MSG_NEWTABLE, 0, [attribute(1, text(table)), attribute(2, u32be(0))]);
}

/** Removes a table with all that is in it. ENOENT when there is none. */
export function deleteTable(table: string): NetlinkMessage {
  return nftables(NFT_MSG_DELTABLE, 0, [attribute(1, text(table))]);
}

/** Makes a chain: with `base` one that sees packets by itself (policy accept), else one that rules jump to. */
export function addChain(table: string, chain: string, base?: BaseChain): NetlinkMessage {
  const hook = base ? [attribute(1, u32be(HOOKS[base.hook])), attribute(2, u32be(base.priority >>> 0))] : [];
  return nftables(NFT_MSG_NEWCHAIN, NLM_F_CREATE, [
    attribute(1, text(table)),
    attribute(3, text(chain)),
    ...(base ? [attribute(7, text(base.type)), attribute(5, u32be(NF_ACCEPT)), attribute(4, hook)] : []),
  ]);
}

/** Appends a rule to a chain. */
export function addRule(table: string, chain: string, expressions: readonly Expression[]): NetlinkMessage {
  return nftables(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, [
    attribute(1, text(table)),
    attribute(2, text(chain)),
    attribute(4, expressions.map(encodeExpression)),
  ]);
}

/** Makes a map from one concatenation to another. `id` tells the maps of one batch apart. */
export function addMap(
  table: string,
  map: { name: string; key: readonly DataType[]; value: readonly DataType[]; id: number },
): NetlinkMessage {
  return nftables(NFT_MSG_NEWSET, NLM_F_CREATE, [
    attribute(1, text(table)),
    attribute(2, text(map.name)),
    attribute(3, u32be(NFT_SET_MAP)),
    attribute(4, u32be(concatenation(map.key))),
    attribute(5, u32be(map.key.length * WORD_BYTES)),
    attribute(6, u32be(concatenation(map.value))),
    attribute(7, u32be(map.value.length * WORD_BYTES)),
    attribute(10, u32be(map.id)),
  ]);
}

/** Adds elements to a map. One that is there with the same value is fine; EEXIST if it has another. */
export function addElements(table: string, map: string, elements: readonly MapElement[]): NetlinkMessage {
  const list = elements.map(({ key, value }) => attribute(NFTA_LIST_ELEM, [data(1, key), data(2, value)]));
  return nftables(NFT_MSG_NEWSETELEM, NLM_F_CREATE, elementAttributes(table, map, list));
}

/** Removes elements from a map by their keys. ENOENT when one is not there. */
export function deleteElements(
  table: string,
  map: string,
  elements: readonly Pick<MapElement, "key">[],
): NetlinkMessage {
  const list = elements.map(({ key }) => attribute(NFTA_LIST_ELEM, [data(1, key)]));
  return nftables(NFT_MSG_DELSETELEM, 0, elementAttributes(table, map, list));
}

/** Asks for the chains of all tables of all families. Not for a batch. */
export function dumpChains(): NetlinkMessage {
  const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN;
  return { type, flags: NLM_F_DUMP, header: familyHeader(NFPROTO_UNSPEC, 0), attributes: [] };
}

/** Puts messages into a batch, which the kernel carries out as a whole or not at all. */
export function encodeBatch(messages: readonly NetlinkMessage[]): EncodedMessages {
  return encodeMessages([batchBorder(NFNL_MSG_BATCH_BEGIN), ...messages, batchBorder(NFNL_MSG_BATCH_END)]);
}

function elementAttributes(table: string, map: string, list: readonly Attribute[]): Attribute[] {
  return [attribute(1, text(table)), attribute(2, text(map)), attribute(3, list)];
}

function data(type: number, value: Uint8Array): Attribute {
  return attribute(type, [attribute(NFTA_DATA_VALUE, value)]);
}

function encodeExpression({ name, attributes }: Expression): Attribute {
  return attribute(NFTA_LIST_ELEM, [attribute(1, text(name)), attribute(2, attributes)]);
}

function concatenation(types: readonly DataType[]): number {
  return types.reduce((id, type) => (id << DATA_TYPE_BITS) | DATA_TYPES[type], 0);
}

function nftables(type: number, flags: number, attributes: readonly Attribute[]): NetlinkMessage {
  return {
    type: (NFNL_SUBSYS_NFTABLES << 8) | type,
    flags: flags | NLM_F_ACK,
    header: familyHeader(NFPROTO_INET, 0),
    attributes,
  };
}

function batchBorder(type: number): NetlinkMessage {
  return { type, flags: 0, header: familyHeader(NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES), attributes: [] };
}

/** struct nfgenmsg: family u8, version u8 (0), resource u16 in network order. */
function familyHeader(family: number, resource: number): Uint8Array {
  return Uint8Array.of(family, 0, resource >>> 8, resource);
}
