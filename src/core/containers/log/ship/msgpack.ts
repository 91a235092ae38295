/** The part of MessagePack that fluentd's forward protocol is made of. */

/** Values of the sorts that are sent: text, whole numbers, lists and maps of those, and bytes that are encoded already. */
export type Packable = string | number | Uint8Array | readonly Packable[] | { readonly [key: string]: Packable };

/** fixstr, str 8, str 16, str 32; fixmap and map; fixarray and array. */
const TEXT = { fixed: 0xa0, fixedLimit: 32, byte: 0xd9, short: 0xda, long: 0xdb };
const LIST = { fixed: 0x90, fixedLimit: 16, byte: undefined, short: 0xdc, long: 0xdd };
const MAP = { fixed: 0x80, fixedLimit: 16, byte: undefined, short: 0xde, long: 0xdf };
const UINT32 = 0xce;
const UINT64 = 0xcf;
const FIXED_POSITIVE_LIMIT = 128;
const FIXEXT8 = 0xd7;
const EVENT_TIME = 0;

/** Encodes a value. A `Uint8Array` goes in as it is: it is an encoded value. */
export function pack(value: Packable): Buffer {
  const out: Uint8Array[] = [];
  put(out, value);
  return Buffer.concat(out);
}

/** Seconds and nanoseconds, as fluentd has extended MessagePack. */
export function packEventTime(nano: bigint): Buffer {
  const bytes = Buffer.alloc(10);
  bytes[0] = FIXEXT8;
  bytes[1] = EVENT_TIME;
  bytes.writeUInt32BE(Number(nano / 1_000_000_000n), 2);
  bytes.writeUInt32BE(Number(nano % 1_000_000_000n), 6);
  return bytes;
}

function put(out: Uint8Array[], value: Packable): void {
  if (value instanceof Uint8Array) out.push(value);
  else if (typeof value === "number") out.push(packNumber(value));
  else if (typeof value === "string") {
    const bytes = Buffer.from(value);
    out.push(head(TEXT, bytes.length), bytes);
  } else if (Array.isArray(value)) {
    out.push(head(LIST, value.length));
    for (const item of value as readonly Packable[]) put(out, item);
  } else {
    const entries = Object.entries(value);
    out.push(head(MAP, entries.length));
    for (const [key, item] of entries) {
      put(out, key);
      put(out, item);
    }
  }
}

function head(kind: typeof TEXT | typeof LIST, length: number): Buffer {
  if (length < kind.fixedLimit) return Buffer.of(kind.fixed | length);
  if (kind.byte !== undefined && length < 0x100) return Buffer.of(kind.byte, length);
  if (length < 0x10000) return Buffer.of(kind.short, length >> 8, length & 0xff);
  const bytes = Buffer.alloc(5);
  bytes[0] = kind.long;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** A whole number that is not negative. */
function packNumber(value: number): Buffer {
  if (value < FIXED_POSITIVE_LIMIT) return Buffer.of(value);
  const isShort = value < 2 ** 32;
  const bytes = Buffer.alloc(isShort ? 5 : 9);
  bytes[0] = isShort ? UINT32 : UINT64;
  if (isShort) bytes.writeUInt32BE(value, 1);
  else bytes.writeBigUInt64BE(BigInt(value), 1);
  return bytes;
}
