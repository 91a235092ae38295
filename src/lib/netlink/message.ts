/**
 * Netlink messages as bytes (linux/netlink.h):
 *
 *     length u32 · type u16 · flags u16 · sequence u32 · port u32   16 bytes, host order
 *     family header                                                 ifinfomsg, rtmsg, nfgenmsg …
 *     attributes: length u16 · type u16 · value · padding to 4
 */
import { type Attribute, type AttributePart, CHILD_PID } from "./attributes.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** NLM_F_ROOT | NLM_F_MATCH */
export const NLM_F_DUMP = 0x300;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const NLA_F_NESTED = 0x8000;
/** An attribute's length is a u16. */
const ATTRIBUTE_LIMIT_BYTES = 0xffff;

/** One request as plain data; `header` is the fixed part that the message's family puts before its attributes. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly header: Uint8Array;
  readonly attributes: readonly Attribute[];
}

export interface EncodedMessages {
  readonly messages: Uint8Array;
  /** Offsets in `messages` at which a CHILD_PID stands. */
  readonly childPidAt: readonly number[];
}

/** Encodes messages one after the other, with sequence numbers from 1. NLM_F_REQUEST is added to each. */
export function encodeMessages(messages: readonly NetlinkMessage[]): EncodedMessages {
  const bytes = new Uint8Array(messages.reduce((total, message) => total + messageBytes(message), 0));
  const writer = new Writer(bytes);
  messages.forEach((message, index) => {
    writer.message(message, index + 1);
  });
  return { messages: bytes, childPidAt: writer.childPidAt };
}

class Writer {
  readonly childPidAt: number[] = [];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  message(message: NetlinkMessage, sequence: number): void {
    const view = this.#view;
    view.setUint32(this.#offset, messageBytes(message), true);
    view.setUint16(this.#offset + 4, message.type, true);
    view.setUint16(this.#offset + 6, message.flags | NLM_F_REQUEST, true);
    view.setUint32(this.#offset + 8, sequence, true);
    this.#offset += HEADER_BYTES;
    this.#put(message.header);
    this.parts(message.attributes);
  }

  parts(parts: readonly AttributePart[]): void {
    for (const part of parts) {
      if (part instanceof Uint8Array) this.#put(part);
      else this.#attribute(part);
    }
  }

  #attribute(attribute: Attribute): void {
    const { type, value } = attribute;
    this.#view.setUint16(this.#offset, attributeBytes(attribute), true);
    this.#view.setUint16(this.#offset + 2, Array.isArray(value) ? type | NLA_F_NESTED : type, true);
    this.#offset += ATTRIBUTE_HEADER_BYTES;
    if (value === CHILD_PID) {
      this.childPidAt.push(this.#offset);
      this.#offset += 4;
    } else {
      this.parts(value instanceof Uint8Array ? [value] : value);
    }
  }

  #put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#offset);
    this.#offset += aligned(bytes.byteLength);
  }
}

function messageBytes(message: NetlinkMessage): number {
  return HEADER_BYTES + aligned(message.header.byteLength) + partsBytes(message.attributes);
}

function partsBytes(parts: readonly AttributePart[]): number {
  return parts.reduce((total, part) => total + aligned(partBytes(part)), 0);
}

function partBytes(part: AttributePart): number {
  return part instanceof Uint8Array ? part.byteLength : attributeBytes(part);
}

/** The length that stands in the attribute: its header included, its padding not. */
function attributeBytes({ value }: Attribute): number {
  const bytes = ATTRIBUTE_HEADER_BYTES + valueBytes(value);
  if (bytes > ATTRIBUTE_LIMIT_BYTES) throw new RangeError(`netlink attribute of ${bytes} bytes`);
  return bytes;
}

function valueBytes(value: Attribute["value"]): number {
  if (value === CHILD_PID) return 4;
  return value instanceof Uint8Array ? value.byteLength : partsBytes(value);
}

function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}
