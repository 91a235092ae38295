import { type ByteString, byteStringFrom } from "#lib/fs";
import { readNumber } from "./_numbers.ts";
import { TAR_BLOCK } from "./entry.ts";
import { malformedTar } from "./errors.ts";

/** One header block, taken as it is; what a missing number means is the caller's business. */
export interface RawHeader {
  readonly typeflag: string;
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly userName: ByteString;
  readonly groupName: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** The block itself, for old GNU sparse maps. */
  readonly block: Uint8Array;
}

/**
 * Reads one header block of any of the formats: V7, POSIX ustar, old GNU, star.
 *
 * @throws EngineError `invalid-parameter` for a wrong checksum or a number that is none
 */
export function readHeader(block: Uint8Array, offset: number): RawHeader {
  verifyChecksum(block, offset);
  const number = (at: number, length: number, what: string): number => {
    const value = readNumber(block, at, length);
    if (value === undefined) throw malformedTar(`${what} is not a number`, offset);
    return value;
  };
  const format = formatOf(block);
  const modern = format !== "v7";
  const prefix = format === "ustar" ? text(block, 345, 155) : format === "star" ? text(block, 345, 131) : "";
  const name = text(block, 0, 100);
  return {
    typeflag: String.fromCharCode(block[156]!),
    name: (prefix === "" ? name : `${prefix}/${name}`) as ByteString,
    linkName: text(block, 157, 100),
    mode: number(100, 8, "mode"),
    uid: number(108, 8, "user id"),
    gid: number(116, 8, "group id"),
    size: number(124, 12, "size"),
    seconds: number(136, 12, "time"),
    userName: modern ? text(block, 265, 32) : ("" as ByteString),
    groupName: modern ? text(block, 297, 32) : ("" as ByteString),
    deviceMajor: modern ? number(329, 8, "device major") : 0,
    deviceMinor: modern ? number(337, 8, "device minor") : 0,
    block,
  };
}

export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < block.byteLength; i++) if (block[i] !== 0) return false;
  return true;
}

/** The sum counts the bytes of the block with its own field as blanks. Some old writers added signed bytes. */
function verifyChecksum(block: Uint8Array, offset: number): void {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let i = 0; i < TAR_BLOCK; i++) {
    if (i === 148) i += 8;
    const byte = block[i]!;
    unsigned += byte;
    high += byte >> 7;
  }
  const recorded = readNumber(block, 148, 8);
  if (recorded !== unsigned && recorded !== unsigned - 256 * high)
    throw malformedTar("invalid header checksum", offset);
}

function formatOf(block: Uint8Array): "v7" | "ustar" | "gnu" | "star" {
  const magic = byteStringFrom(block.subarray(257, 265));
  if (magic === "ustar  \0") return "gnu";
  if (!magic.startsWith("ustar\0")) return "v7";
  return byteStringFrom(block.subarray(508, 512)) === "tar\0" ? "star" : "ustar";
}

function text(block: Uint8Array, offset: number, length: number): ByteString {
  let end = offset;
  while (end < offset + length && block[end] !== 0) end++;
  return byteStringFrom(block.subarray(offset, end));
}
