/** IPv4 routes: RTM_*ROUTE messages (linux/rtnetlink.h, rtnetlink(7)). */
import { attribute, u32 } from "./attributes.ts";
import { type DecodedMessage, decodeAttributes, readU32 } from "./decode.ts";
import { type NetlinkMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from "./message.ts";

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const AF_INET = 2;
const RTMSG_BYTES = 12;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RTN_UNICAST = 1;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;

export interface RouteRequest {
  /** Four bytes each; without a destination it is the default route. */
  readonly destination?: Uint8Array;
  readonly prefixLength?: number;
  /** Must be on a network that the link is connected to. */
  readonly gateway: Uint8Array;
  /** The link's index. */
  readonly index: number;
}

/** Adds a route. EEXIST when there is one to that destination. */
export function addRoute({ destination, prefixLength = 0, gateway, index }: RouteRequest): NetlinkMessage {
  const header = new Uint8Array(RTMSG_BYTES);
  header.set([AF_INET, prefixLength, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST]);
  return {
    type: RTM_NEWROUTE,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    header,
    attributes: [
      ...(destination ? [attribute(RTA_DST, destination)] : []),
      attribute(RTA_GATEWAY, gateway),
      attribute(RTA_OIF, u32(index)),
    ],
  };
}

/** Asks for all IPv4 routes of all tables. */
export function dumpRoutes(): NetlinkMessage {
  const header = new Uint8Array(RTMSG_BYTES);
  header[0] = AF_INET;
  return { type: RTM_GETROUTE, flags: NLM_F_DUMP, header, attributes: [] };
}

export interface Route {
  /** Four bytes; all zero with prefix length 0: the default route. */
  readonly destination: Uint8Array;
  readonly prefixLength: number;
  readonly table: number;
  /** Outgoing link; 0: none (blackhole, multipath). */
  readonly index: number;
}

/** The routes in the answer to `dumpRoutes`. */
export function decodeRoutes(messages: readonly DecodedMessage[]): Route[] {
  return messages.flatMap(({ type, payload }) => {
    if (type !== RTM_NEWROUTE || payload[0] !== AF_INET) return [];
    const attributes = decodeAttributes(payload.subarray(RTMSG_BYTES));
    return [
      {
        destination: attributes.get(RTA_DST) ?? new Uint8Array(4),
        prefixLength: payload[1] ?? 0,
        table: payload[4] ?? 0,
        index: readU32(attributes.get(RTA_OIF)),
      },
    ];
  });
}
