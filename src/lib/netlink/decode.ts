/** What the kernel answers, taken apart. Lengths are checked: a short or lying datagram throws, it never reads past its end. */
import { EngineError } from "#lib/errors";

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
/** NLA_F_NESTED and NLA_F_NET_BYTEORDER are flags in the type. */
const NLA_TYPE_MASK = 0x3fff;

export interface DecodedMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** After the netlink header: the family's header and its attributes. */
  readonly payload: Uint8Array;
}

/** Splits datagrams that lie one after the other. @throws EngineError `internal` when a length does not fit */
export function decodeMessages(bytes: Uint8Array): DecodedMessage[] {
  const view = viewOf(bytes);
  const messages: DecodedMessage[] = [];
  for (let offset = 0; offset < bytes.byteLength; ) {
    const length = offset + HEADER_BYTES <= bytes.byteLength ? view.getUint32(offset, true) : 0;
    if (length < HEADER_BYTES || offset + length > bytes.byteLength) throw malformed("message", offset);
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      payload: bytes.subarray(offset + HEADER_BYTES, offset + length),
    });
    offset += aligned(length);
  }
  return messages;
}

/** Attributes by type; of several with one type the last. @throws EngineError `internal` when a length does not fit */
export function decodeAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(listAttributes(bytes).map(({ type, value }) => [type, value]));
}

/** Attributes in their order: lists repeat one type. */
export function listAttributes(bytes: Uint8Array): { readonly type: number; readonly value: Uint8Array }[] {
  const view = viewOf(bytes);
  const attributes = [];
  for (let offset = 0; offset + ATTRIBUTE_HEADER_BYTES <= bytes.byteLength; ) {
    const length = view.getUint16(offset, true);
    if (length < ATTRIBUTE_HEADER_BYTES || offset + length > bytes.byteLength) throw malformed("attribute", offset);
    const value = bytes.subarray(offset + ATTRIBUTE_HEADER_BYTES, offset + length);
    attributes.push({ type: view.getUint16(offset + 2, true) & NLA_TYPE_MASK, value });
    offset += aligned(length);
  }
  return attributes;
}

/** How the kernel judged one request. */
export interface Acknowledgement {
  readonly sequence: number;
  /** 0: done. */
  readonly errno: number;
  /** The kernel's own words (extended ack); often empty. */
  readonly reason: string;
}

/** The acknowledgements and errors among answers. */
export function decodeAcknowledgements(messages: readonly DecodedMessage[]): Acknowledgement[] {
  return messages.filter((message) => message.type === NLMSG_ERROR).map(decodeAcknowledgement);
}

/** Whether a dump has come to its end. */
export function isDone(messages: readonly DecodedMessage[]): boolean {
  return messages.some((message) => message.type === NLMSG_DONE);
}

/** struct nlmsgerr: errno i32 (negative), the request's header, its payload unless capped; then attributes. */
function decodeAcknowledgement({ flags, sequence, payload }: DecodedMessage): Acknowledgement {
  if (payload.byteLength < 4 + HEADER_BYTES) throw malformed("acknowledgement", 0);
  const view = viewOf(payload);
  const echoed = flags & NLM_F_CAPPED ? HEADER_BYTES : view.getUint32(4, true);
  const attributes = flags & NLM_F_ACK_TLVS ? decodeAttributes(payload.subarray(4 + aligned(echoed))) : new Map();
  return { sequence, errno: 0 - view.getInt32(0, true), reason: readText(attributes.get(NLMSGERR_ATTR_MSG)) };
}

/** An attribute's string up to its NUL; empty when it is absent. */
export function readText(value: Uint8Array | undefined): string {
  if (!value) return "";
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}

/** An attribute's u32 in host order; 0 when it is absent. */
export function readU32(value: Uint8Array | undefined): number {
  return value && value.byteLength >= 4 ? viewOf(value).getUint32(0, true) : 0;
}

/** An attribute's u32 in network order; 0 when it is absent. */
export function readU32be(value: Uint8Array | undefined): number {
  return value && value.byteLength >= 4 ? viewOf(value).getUint32(0, false) : 0;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}

function malformed(what: string, offset: number): EngineError {
  return new EngineError("internal", `decode netlink ${what} at byte ${offset}: length out of bounds`);
}
