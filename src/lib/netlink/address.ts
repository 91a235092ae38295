/** IPv4 addresses of links: RTM_*ADDR messages (linux/if_addr.h, rtnetlink(7)). */
import { attribute } from "./attributes.ts";
import { type DecodedMessage, decodeAttributes, viewOf } from "./decode.ts";
import { type NetlinkMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from "./message.ts";

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const AF_INET = 2;
const IFADDRMSG_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;

export interface LinkAddress {
  /** The link's index. */
  readonly index: number;
  /** Four bytes. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
  /** Four bytes; absent: the kernel sets none. */
  readonly broadcast?: Uint8Array;
}

/** Gives a link an address. EEXIST when it has it. */
export function addAddress(address: LinkAddress): NetlinkMessage {
  const { broadcast } = address;
  return {
    type: RTM_NEWADDR,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    header: addressHeader(address),
    attributes: [
      attribute(IFA_LOCAL, address.address),
      attribute(IFA_ADDRESS, address.address),
      ...(broadcast ? [attribute(IFA_BROADCAST, broadcast)] : []),
    ],
  };
}

/** Takes an address from a link. EADDRNOTAVAIL when it does not have it. */
export function deleteAddress(address: LinkAddress): NetlinkMessage {
  return {
    type: RTM_DELADDR,
    flags: NLM_F_ACK,
    header: addressHeader(address),
    attributes: [attribute(IFA_LOCAL, address.address), attribute(IFA_ADDRESS, address.address)],
  };
}

/** Asks for all IPv4 addresses. */
export function dumpAddresses(): NetlinkMessage {
  const header = addressHeader({ index: 0, address: new Uint8Array(4), prefixLength: 0 });
  return { type: RTM_GETADDR, flags: NLM_F_DUMP, header, attributes: [] };
}

/** The addresses in the answer to `dumpAddresses`. */
export function decodeAddresses(messages: readonly DecodedMessage[]): LinkAddress[] {
  return messages.flatMap(({ type, payload }) => {
    if (type !== RTM_NEWADDR || payload[0] !== AF_INET) return [];
    const attributes = decodeAttributes(payload.subarray(IFADDRMSG_BYTES));
    // On a point-to-point link IFA_ADDRESS is the far end's; IFA_LOCAL is always ours.
    const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
    if (address?.byteLength !== 4) return [];
    return [{ index: viewOf(payload).getUint32(4, true), address, prefixLength: payload[1] ?? 0 }];
  });
}

/** struct ifaddrmsg: family u8, prefix length u8, flags u8, scope u8, index u32. */
function addressHeader({ index, prefixLength }: LinkAddress): Uint8Array {
  const bytes = new Uint8Array(IFADDRMSG_BYTES);
  bytes[0] = AF_INET;
  bytes[1] = prefixLength;
  viewOf(bytes).setUint32(4, index, true);
  return bytes;
}
