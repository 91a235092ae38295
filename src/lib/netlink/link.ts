/** Links: RTM_*LINK messages (linux/if_link.h, rtnetlink(7)). */
import { type Attribute, attribute, CHILD_PID, text, u8, u32 } from "./attributes.ts";
import { type DecodedMessage, decodeAttributes, readText, readU32, viewOf } from "./decode.ts";
import { type NetlinkMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from "./message.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;

const AF_INET6 = 10;
const IFF_UP = 1;
const IFINFOMSG_BYTES = 16;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_IFALIAS = 20;
const IFLA_AF_SPEC = 26;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_MODE = 4;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const VETH_INFO_PEER = 1;

/** What may be set on a link, at its creation or later. */
export interface LinkSettings {
  readonly up?: boolean;
  /** Six bytes. */
  readonly macAddress?: Uint8Array;
  readonly mtu?: number;
  /** Index of the bridge that the link joins; 0 leaves it. */
  readonly master?: number;
  readonly alias?: string;
}

/** Makes a bridge. EEXIST when the name is taken. */
export function createBridge(name: string, settings: LinkSettings = {}): NetlinkMessage {
  const info = [attribute(IFLA_INFO_KIND, text("bridge"))];
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    header: linkHeader({ index: 0, ...settings }),
    attributes: [attribute(IFLA_IFNAME, text(name)), ...settingAttributes(settings), attribute(IFLA_LINKINFO, info)],
  };
}

/** One end of a veth pair. With a chosen index, which both ends or neither must have, it can be addressed without being looked up. */
export interface VethEnd extends LinkSettings {
  readonly name: string;
  readonly index: number;
}

/** Makes a veth pair whose far end is born in the network namespace of the sender's child, under its final name. */
export function createVeth(host: VethEnd, child: VethEnd): NetlinkMessage {
  const peer = [linkHeader(child), attribute(IFLA_IFNAME, text(child.name)), ...settingAttributes(child)];
  const data = [attribute(VETH_INFO_PEER, [...peer, attribute(IFLA_NET_NS_PID, CHILD_PID)])];
  const info = [attribute(IFLA_INFO_KIND, text("veth")), attribute(IFLA_INFO_DATA, data)];
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    header: linkHeader(host),
    attributes: [attribute(IFLA_IFNAME, text(host.name)), ...settingAttributes(host), attribute(IFLA_LINKINFO, info)],
  };
}

/** Names a link that exists. */
export type LinkReference = { readonly name: string } | { readonly index: number };

export interface LinkChanges extends LinkSettings {
  /** Gives the link no IPv6 link-local address of its own. */
  readonly withoutIPv6Address?: boolean;
  /** For a bridge's port: frames may leave by the port that they came from. */
  readonly hairpin?: boolean;
}

/** Changes a link. ENODEV when there is none. */
export function setLink(link: LinkReference, changes: LinkChanges): NetlinkMessage {
  const slave = [attribute(IFLA_BRPORT_MODE, u8(changes.hairpin ? 1 : 0))];
  const info = [attribute(IFLA_INFO_SLAVE_KIND, text("bridge")), attribute(IFLA_INFO_SLAVE_DATA, slave)];
  const inet6 = [attribute(IFLA_INET6_ADDR_GEN_MODE, u8(IN6_ADDR_GEN_MODE_NONE))];
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_ACK,
    header: linkHeader({ index: indexOf(link), ...changes }),
    attributes: [
      ...nameAttributes(link),
      ...settingAttributes(changes),
      ...(changes.hairpin === undefined ? [] : [attribute(IFLA_LINKINFO, info)]),
      ...(changes.withoutIPv6Address ? [attribute(IFLA_AF_SPEC, [attribute(AF_INET6, inet6)])] : []),
    ],
  };
}

/** Removes a link, and with one end of a veth pair the other. ENODEV when there is none. */
export function deleteLink(link: LinkReference): NetlinkMessage {
  return {
    type: RTM_DELLINK,
    flags: NLM_F_ACK,
    header: linkHeader({ index: indexOf(link) }),
    attributes: nameAttributes(link),
  };
}

/** Asks for all links. */
export function dumpLinks(): NetlinkMessage {
  return { type: RTM_GETLINK, flags: NLM_F_DUMP, header: linkHeader({ index: 0 }), attributes: [] };
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly mtu: number;
  /** Six bytes for Ethernet; empty for links without an address. */
  readonly macAddress: Uint8Array;
  /** `bridge`, `veth` …; empty for hardware. */
  readonly kind: string;
  /** Index of the bridge it is a port of; 0: none. */
  readonly master: number;
  readonly alias: string;
}

/** The links in the answer to `dumpLinks`. */
export function decodeLinks(messages: readonly DecodedMessage[]): Link[] {
  return messages.filter((message) => message.type === RTM_NEWLINK).map(decodeLink);
}

function decodeLink({ payload }: DecodedMessage): Link {
  const view = viewOf(payload);
  const attributes = decodeAttributes(payload.subarray(IFINFOMSG_BYTES));
  const info = decodeAttributes(attributes.get(IFLA_LINKINFO) ?? new Uint8Array());
  return {
    index: view.getInt32(4, true),
    name: readText(attributes.get(IFLA_IFNAME)),
    up: (view.getUint32(8, true) & IFF_UP) !== 0,
    mtu: readU32(attributes.get(IFLA_MTU)),
    macAddress: attributes.get(IFLA_ADDRESS) ?? new Uint8Array(),
    kind: readText(info.get(IFLA_INFO_KIND)),
    master: readU32(attributes.get(IFLA_MASTER)),
    alias: readText(attributes.get(IFLA_IFALIAS)),
  };
}

/** struct ifinfomsg: family u8, padding u8, type u16, index i32, flags u32, change mask u32. */
function linkHeader(link: { index: number; up?: boolean }): Uint8Array {
  const bytes = new Uint8Array(IFINFOMSG_BYTES);
  const view = viewOf(bytes);
  view.setInt32(4, link.index, true);
  if (link.up !== undefined) {
    view.setUint32(8, link.up ? IFF_UP : 0, true);
    view.setUint32(12, IFF_UP, true);
  }
  return bytes;
}

function settingAttributes({ macAddress, mtu, master, alias }: LinkSettings): Attribute[] {
  const attributes: Attribute[] = [];
  if (macAddress) attributes.push(attribute(IFLA_ADDRESS, macAddress));
  if (mtu) attributes.push(attribute(IFLA_MTU, u32(mtu)));
  if (master) attributes.push(attribute(IFLA_MASTER, u32(master)));
  if (alias) attributes.push(attribute(IFLA_IFALIAS, text(alias)));
  return attributes;
}

function indexOf(link: LinkReference): number {
  return "index" in link ? link.index : 0;
}

function nameAttributes(link: LinkReference): Attribute[] {
  return "name" in link ? [attribute(IFLA_IFNAME, text(link.name))] : [];
}
