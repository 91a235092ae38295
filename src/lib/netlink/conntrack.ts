/** Connection tracking: ctnetlink messages (linux/netfilter/nfnetlink_conntrack.h). */
import { attribute, u32 } from "./attributes.ts";
import { type NetlinkMessage, NLM_F_ACK } from "./message.ts";

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const AF_INET = 2;
const CTA_TUPLE_REPLY = 2;
const CTA_TUPLE_IP = 1;
const CTA_IP_V4_SRC = 1;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
/** The filter looks at the source address of a tuple and at nothing else. */
const FILTER_IP_SRC = 1;

/**
 * Forgets every connection that an IPv4 address answers, translated ones included. EINVAL from kernels before 6.10,
 * which delete by a whole tuple or everything.
 */
export function forgetConnectionsTo(address: Uint8Array): NetlinkMessage {
  return {
    type: (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE,
    flags: NLM_F_ACK,
    header: Uint8Array.of(AF_INET, 0, 0, 0),
    attributes: [
      attribute(CTA_TUPLE_REPLY, [attribute(CTA_TUPLE_IP, [attribute(CTA_IP_V4_SRC, address)])]),
      attribute(CTA_FILTER, [
        attribute(CTA_FILTER_ORIG_FLAGS, u32(0)),
        attribute(CTA_FILTER_REPLY_FLAGS, u32(FILTER_IP_SRC)),
      ]),
    ],
  };
}
