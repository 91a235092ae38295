/** Takes the place of a u32 attribute value that only the sender of the message knows: the pid of the child it has just made. */
export const CHILD_PID: unique symbol = Symbol("child pid");

/**
 * What an attribute holds: bytes, further attributes (then NLA_F_NESTED is set), or the child's pid. Bytes among
 * attributes are a fixed header, such as the ifinfomsg in VETH_INFO_PEER.
 */
export type AttributeValue = Uint8Array | readonly AttributePart[] | typeof CHILD_PID;

export type AttributePart = Attribute | Uint8Array;

/** A netlink attribute as plain data: its number, named after the constant in the kernel's header, and its value. */
export interface Attribute {
  readonly type: number;
  readonly value: AttributeValue;
}

export function attribute(type: number, value: AttributeValue): Attribute {
  return { type, value };
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** In host order; tug runs on little-endian machines only (x86_64, aarch64). */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** In network order. */
export function u16be(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value, false);
  return bytes;
}

/** In network order. */
export function u32be(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, false);
  return bytes;
}

/** NUL-terminated, as NLA_NUL_STRING wants it. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}
