import { EngineError } from "#lib/errors";
import type { ByteString } from "#lib/fs";
import { alignUp, XATTR_ENTRY_SIZE, XATTR_HEADER_SIZE, XATTR_PREFIXES } from "./_format.ts";

/** `e_value_size` has 16 bits. */
const VALUE_LIMIT_BYTES = 0xffff;
/** `i_xattr_icount` counts units of four bytes in 16 bits, the header as one. */
const BODY_LIMIT_BYTES = XATTR_HEADER_SIZE + 4 * 0xfffe;

/**
 * The xattrs of an inode as they follow it, or nothing. Attributes of namespaces that Linux does not have
 * (`com.apple.…`) are left out, as an extraction would have to.
 *
 * @throws EngineError `invalid-parameter` when they are too large
 */
export function encodeXattrs(xattrs: ReadonlyMap<ByteString, Uint8Array>): Buffer | undefined {
  if (xattrs.size === 0) return undefined;
  const entries: Buffer[] = [];
  for (const [name, value] of xattrs) {
    const entry = encodeEntry(name, value);
    if (entry !== undefined) entries.push(entry);
  }
  if (entries.length === 0) return undefined;
  const body = Buffer.concat([Buffer.alloc(XATTR_HEADER_SIZE), ...entries]);
  if (body.byteLength > BODY_LIMIT_BYTES) throw tooLarge(`${body.byteLength} bytes of extended attributes`);
  return body;
}

function encodeEntry(name: ByteString, value: Uint8Array): Buffer | undefined {
  const known = XATTR_PREFIXES.find(({ prefix, whole }) => (whole ? name === prefix : name.startsWith(prefix)));
  const rest = known && name.slice(known.prefix.length);
  if (known === undefined || rest === undefined || (rest === "" && !known.whole)) return undefined;
  if (rest.length > 255) throw tooLarge(`name of extended attribute "${name}"`);
  if (value.byteLength > VALUE_LIMIT_BYTES) throw tooLarge(`value of extended attribute "${name}"`);
  const entry = Buffer.alloc(alignUp(XATTR_ENTRY_SIZE + rest.length + value.byteLength, 4));
  entry.writeUInt8(rest.length, 0);
  entry.writeUInt8(known.index, 1);
  entry.writeUInt16LE(value.byteLength, 2);
  entry.write(rest, XATTR_ENTRY_SIZE, "latin1");
  entry.set(value, XATTR_ENTRY_SIZE + rest.length);
  return entry;
}

/** Reads what `encodeXattrs` wrote. @returns undefined when it is corrupt */
export function decodeXattrs(body: Buffer): Map<ByteString, Uint8Array> | undefined {
  const xattrs = new Map<ByteString, Uint8Array>();
  for (let at = XATTR_HEADER_SIZE; at < body.byteLength; ) {
    if (at + XATTR_ENTRY_SIZE > body.byteLength) return undefined;
    const nameEnd = at + XATTR_ENTRY_SIZE + body.readUInt8(at);
    const end = nameEnd + body.readUInt16LE(at + 2);
    const index = body.readUInt8(at + 1);
    const prefix = XATTR_PREFIXES.find((candidate) => candidate.index === index)?.prefix;
    if (end > body.byteLength || prefix === undefined) return undefined;
    const name = prefix + body.toString("latin1", at + XATTR_ENTRY_SIZE, nameEnd);
    xattrs.set(name as ByteString, new Uint8Array(body.subarray(nameEnd, end)));
    at = alignUp(end, 4);
  }
  return xattrs;
}

function tooLarge(what: string): EngineError {
  return new EngineError("invalid-parameter", `index file tree: ${what} is too large`);
}
