/** How ops that make files take what is not a plain number or text. */
import { type ByteString, bytesOf } from "#lib/fs";

/** S_IFMT. */
export const FILE_TYPES = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
} as const;

/** The kernel's `new_encode_dev`. */
export function encodeDevice({ major, minor }: { readonly major: number; readonly minor: number }): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

/** Numbers as u64, little-endian, one after the other. */
export function encodeNumbers(numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(numbers.length * 8);
  numbers.forEach((number, index) => {
    bytes.writeBigUInt64LE(BigInt(number), index * 8);
  });
  return bytes;
}

/** Names and values in turn. */
export function encodeXattrs(xattrs: ReadonlyMap<ByteString, Uint8Array>): Uint8Array {
  if (xattrs.size === 0) return NO_BYTES;
  return Buffer.concat(
    [...xattrs].flatMap(([name, value]) => [uint32(name.length), bytesOf(name), NUL, uint32(value.byteLength), value]),
  );
}

const NO_BYTES = new Uint8Array(0);
const NUL = new Uint8Array(1);

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
