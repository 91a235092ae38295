import { type ByteString, byteStringFrom } from "#lib/fs";
import { TAR_LIMITS, type TarTime } from "./entry.ts";

/** What pax headers said about the members after them. A later record of a name replaces an earlier one. */
export interface PaxRecords {
  /** An empty value means: forget what a global header said. */
  readonly values: Map<string, ByteString>;
  readonly xattrs: Map<ByteString, Uint8Array>;
  /** `GNU.sparse.offset` and `.numbytes` of format 0.0 come repeatedly, in turns. */
  readonly sparsePairs: ByteString[];
}

const XATTR_PREFIX = "SCHILY.xattr.";

export function emptyPax(): PaxRecords {
  return { values: new Map(), xattrs: new Map(), sparsePairs: [] };
}

/**
 * Adds the records of one pax header: `LENGTH NAME=VALUE\n`, the length counting the whole record (POSIX.1-2017,
 * pax, "Extended Header").
 *
 * @returns what is wrong with it, or undefined
 */
export function addPaxRecords(records: PaxRecords, bytes: Uint8Array): string | undefined {
  let at = 0;
  let xattrNames = 0;
  while (at < bytes.byteLength) {
    const blank = bytes.indexOf(0x20, at);
    const digits = blank < 0 ? "" : byteStringFrom(bytes.subarray(at, Math.min(blank, at + 20)));
    const end = at + Number(digits);
    if (!/^[0-9]{1,10}$/.test(digits) || end > bytes.byteLength || end <= blank || bytes[end - 1] !== 0x0a)
      return "invalid length of a pax record";
    const equals = bytes.indexOf(0x3d, blank);
    if (equals < 0 || equals >= end || equals === blank + 1) return "pax record without a name";
    const name = byteStringFrom(bytes.subarray(blank + 1, equals));
    const value = bytes.subarray(equals + 1, end - 1);
    if (name.startsWith(XATTR_PREFIX)) {
      xattrNames += name.length;
      if (value.byteLength > TAR_LIMITS.xattrValueBytes) return `extended attribute of ${value.byteLength} bytes`;
      if (xattrNames > TAR_LIMITS.xattrNamesBytes) return "too many extended attributes";
      records.xattrs.set(name.slice(XATTR_PREFIX.length) as ByteString, value.slice());
    } else if (name === "GNU.sparse.offset" || name === "GNU.sparse.numbytes") {
      records.sparsePairs.push(byteStringFrom(value));
    } else {
      records.values.set(name, byteStringFrom(value));
    }
    at = end;
  }
  return undefined;
}

/** A decimal that is no fraction and not negative, as ids and sizes are. */
export function parseDecimal(text: string): number | undefined {
  if (!/^[0-9]{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** `-1.25` is three quarters of a second after -2. Digits beyond nanoseconds are dropped. */
export function parsePaxTime(text: string): TarTime | undefined {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) return undefined;
  const whole = Number(match[2]);
  const nanoseconds = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] === "") return { seconds: whole, nanoseconds };
  if (nanoseconds === 0) return { seconds: whole === 0 ? 0 : -whole, nanoseconds };
  return { seconds: -whole - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}
