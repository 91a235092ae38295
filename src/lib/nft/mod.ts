/** nftables rules as netlink bytes. Pure: whoever has the socket sends them. */
export { type Chain, decodeChains } from "./chains.ts";
export { counter, dnat, type Expression, masquerade, verdict } from "./expressions.ts";
export {
  addressProtocolPortIn,
  destinationIn,
  destinationIsLocal,
  interfaceIs,
  interfaceIsNot,
  isDestinationTranslated,
  isEstablished,
  isIPv4,
  protocolPortIn,
  sourceIn,
} from "./matches.ts";
export {
  addChain,
  addElements,
  addMap,
  addRule,
  addTable,
  type BaseChain,
  type DataType,
  deleteElements,
  deleteTable,
  dumpChains,
  encodeBatch,
  type MapElement,
  PRIORITY,
} from "./messages.ts";
