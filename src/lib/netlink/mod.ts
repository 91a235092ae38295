/** rtnetlink messages as bytes and back. Pure: whoever has the socket sends them. */
export { addAddress, decodeAddresses, deleteAddress, dumpAddresses, type LinkAddress } from "./address.ts";
export {
  type Attribute,
  attribute,
  CHILD_PID,
  text,
  u16be,
  u32,
  u32be,
} from "./attributes.ts";
export { forgetConnectionsTo } from "./conntrack.ts";
export {
  type Acknowledgement,
  type DecodedMessage,
  decodeAcknowledgements,
  decodeAttributes,
  decodeMessages,
  isDone,
  listAttributes,
  readText,
  readU32be,
} from "./decode.ts";
export {
  createBridge,
  createVeth,
  decodeLinks,
  deleteLink,
  dumpLinks,
  type Link,
  type LinkChanges,
  type LinkReference,
  type LinkSettings,
  setLink,
  type VethEnd,
} from "./link.ts";
export {
  type EncodedMessages,
  encodeMessages,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_DUMP,
} from "./message.ts";
export { addRoute, decodeRoutes, dumpRoutes, type Route, type RouteRequest } from "./route.ts";
