import { type ByteString, byteString, bytesOf } from "#lib/fs";
import { writeOctal } from "./_numbers.ts";
import { TAR_BLOCK, type TarEntryType, type TarSegment, type TarTime } from "./entry.ts";

/** What a header is made of. Left out: ids 0, no device, no attributes, no names of owners, 1970. */
export interface TarHeader {
  readonly type: TarEntryType;
  readonly name: ByteString;
  readonly mode: number;
  readonly size?: number;
  readonly linkName?: ByteString;
  readonly uid?: number;
  readonly gid?: number;
  readonly userName?: string;
  readonly groupName?: string;
  readonly modified?: TarTime;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  readonly xattrs?: ReadonlyMap<ByteString, Uint8Array>;
  /**
   * Pieces of a sparse file of `size` bytes, ascending; they start at blocks of the file, and all but the last are of
   * whole blocks, because GNU tar reads blocks. Only their data follows the header, one after another, then `tarPadding` of that. Written in the
   * form "pax 1.0", which Go and Python read, too (GNU tar manual, "Sparse Formats").
   */
  readonly segments?: readonly TarSegment[];
}

const TYPEFLAGS: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** Ends an archive. */
export const TAR_END = new Uint8Array(2 * TAR_BLOCK);

/**
 * The header of one member in POSIX ustar, with a pax header in front where ustar cannot say it: long names, large
 * numbers, fractions of a second, extended attributes. The member's data follows, then `tarPadding(size)`.
 */
export function tarHeader(header: TarHeader): Uint8Array {
  if (header.segments !== undefined) return sparseHeader({ ...header, segments: header.segments });
  return memberHeader(header, paxRecords(header));
}

/** The map of the pieces is the first part of the data. */
function sparseHeader({ segments, ...header }: TarHeader & { readonly segments: readonly TarSegment[] }): Uint8Array {
  const { name, size = 0 } = header;
  // GNU tar marks an end in a hole by an empty piece.
  const pieces = [...segments, { offset: size, size: 0 }];
  const map = Buffer.from([pieces.length, ...pieces.flatMap((piece) => [piece.offset, piece.size]), ""].join("\n"));
  const stored = segments.reduce((sum, piece) => sum + piece.size, 0);
  const inner = {
    ...header,
    name: `GNUSparseFile.0/${name.slice(name.lastIndexOf("/") + 1).slice(0, 80)}` as ByteString,
    size: map.byteLength + tarPadding(map.byteLength).byteLength + stored,
  };
  const sparse: [string, string][] = [
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.realsize", String(size)],
  ];
  const records = sparse.map(([key, value]) => paxRecord(key, value));
  records.push(paxRecord("GNU.sparse.name", bytesOf(name)));
  return Buffer.concat([
    memberHeader(inner, Buffer.concat([...records, paxRecords(inner)])),
    map,
    tarPadding(map.byteLength),
  ]);
}

function memberHeader(header: TarHeader, records: Uint8Array): Uint8Array {
  const block = ustarBlock(header);
  if (records.byteLength === 0) return block;
  const extension = ustarBlock({
    type: "file",
    name: `PaxHeaders/${header.name.slice(-80)}` as ByteString,
    mode: 0o644,
    size: records.byteLength,
  });
  extension[156] = "x".charCodeAt(0);
  setChecksum(extension);
  return Buffer.concat([extension, records, tarPadding(records.byteLength), block]);
}

/** Zeros that fill up the last block of data. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
}

/** An archive of members whose content is at hand. */
export function tarArchive(members: Iterable<TarHeader & { content?: string | Uint8Array }>): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const { content, ...header } of members) {
    const data = Buffer.from(content ?? "");
    pieces.push(tarHeader({ ...header, size: data.byteLength }), data, tarPadding(data.byteLength));
  }
  return Buffer.concat([...pieces, TAR_END]);
}

const MAX_ID = 0o7777777;
const MAX_SIZE = 0o77777777777;

function paxRecords(header: TarHeader): Uint8Array {
  const records: Buffer[] = [];
  const add = (name: string, value: Uint8Array | string) => records.push(paxRecord(name, value));
  const { name, linkName = "", uid = 0, gid = 0, size = 0, userName = "", groupName = "" } = header;
  if (splitName(name) === undefined) add("path", bytesOf(name));
  if (linkName.length > 100) add("linkpath", bytesOf(linkName as ByteString));
  if (size > MAX_SIZE) add("size", String(size));
  if (uid > MAX_ID) add("uid", String(uid));
  if (gid > MAX_ID) add("gid", String(gid));
  if (byteString(userName).length > 31) add("uname", userName);
  if (byteString(groupName).length > 31) add("gname", groupName);
  const { seconds, nanoseconds } = header.modified ?? { seconds: 0, nanoseconds: 0 };
  if (nanoseconds !== 0 || seconds < 0 || seconds > MAX_SIZE) add("mtime", paxTime({ seconds, nanoseconds }));
  for (const [attribute, value] of header.xattrs ?? []) add(`SCHILY.xattr.${attribute}`, value);
  return Buffer.concat(records);
}

/** The length counts itself, so it is found by trying. */
function paxRecord(name: string, value: Uint8Array | string): Buffer {
  const body = Buffer.concat([Buffer.from(` ${name}=`, "latin1"), Buffer.from(value), Buffer.from("\n")]);
  let length = body.byteLength + 1;
  while (String(length).length + body.byteLength !== length) length = String(length).length + body.byteLength;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function paxTime(time: TarTime): string {
  if (time.seconds >= 0) return `${time.seconds}.${String(time.nanoseconds).padStart(9, "0")}`;
  if (time.nanoseconds === 0) return String(time.seconds);
  return `-${-time.seconds - 1}.${String(1_000_000_000 - time.nanoseconds).padStart(9, "0")}`;
}

function ustarBlock(header: TarHeader): Buffer {
  const block = Buffer.alloc(TAR_BLOCK);
  const { prefix, name } = splitName(header.name) ?? { prefix: "", name: header.name.slice(0, 100) };
  block.write(name, 0, 100, "latin1");
  block.write(prefix, 345, 155, "latin1");
  block.write((header.linkName ?? "").slice(0, 100), 157, 100, "latin1");
  const seconds = header.modified?.seconds ?? 0;
  const numbers: [offset: number, length: number, value: number, max: number][] = [
    [100, 8, header.mode & 0o7777, MAX_ID],
    [108, 8, header.uid ?? 0, MAX_ID],
    [116, 8, header.gid ?? 0, MAX_ID],
    [124, 12, header.size ?? 0, MAX_SIZE],
    [136, 12, Math.max(0, seconds), MAX_SIZE],
    [329, 8, header.deviceMajor ?? 0, MAX_ID],
    [337, 8, header.deviceMinor ?? 0, MAX_ID],
  ];
  // Readers that know no pax see the largest number that fits.
  for (const [offset, length, value, max] of numbers)
    writeOctal(block, { offset, length, value: Math.min(value, max) });
  block.write(TYPEFLAGS[header.type], 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  block.write(byteString(header.userName ?? "").slice(0, 31), 265, "latin1");
  block.write(byteString(header.groupName ?? "").slice(0, 31), 297, "latin1");
  setChecksum(block);
  return block;
}

function setChecksum(block: Uint8Array): void {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  writeOctal(block, { offset: 148, length: 7, value: sum });
  block[154] = 0;
}

/** A name of up to 256 bytes goes into two fields if it has a slash at the right place. */
function splitName(name: string): { prefix: string; name: string } | undefined {
  if (name.length <= 100) return { prefix: "", name };
  const slash = name.lastIndexOf("/", 155);
  const rest = name.length - slash - 1;
  if (slash <= 0 || rest === 0 || rest > 100) return undefined;
  return { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
}
