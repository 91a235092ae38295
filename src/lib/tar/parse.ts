/**
 * The grammar of tar, apart from where the bytes come from. `parseTar` is a coroutine: it asks for bytes, is given
 * them, and hands out entries. Whoever drives it (`scan.ts` for files and streams passing by, `read.ts` for reading
 * members as streams) skips or uses the data that follows an entry.
 */
import { type ByteString, byteStringFrom, textOf } from "#lib/fs";
import { isZeroBlock, type RawHeader, readHeader } from "./_header.ts";
import { readNumber } from "./_numbers.ts";
import { addPaxRecords, emptyPax, type PaxRecords, parseDecimal, parsePaxTime } from "./_pax.ts";
import { checkSegments, pairSegments, readOldGnuSlots, SparseMapReader } from "./_sparse.ts";
import { TAR_BLOCK, TAR_LIMITS, type TarEntry, type TarEntryType, type TarSegment, type TarTime } from "./entry.ts";
import { malformedTar } from "./errors.ts";

/**
 * `need`: resume with exactly that many bytes, or with fewer at the end of the archive.
 * `entry`: its data, `paddedSize` bytes, follows in the archive; resume behind it.
 */
export type ParseStep =
  | { readonly need: number }
  | { readonly need?: undefined; readonly entry: TarEntry; readonly paddedSize: number };

type Parser<T> = Generator<ParseStep, T, Uint8Array>;

const TYPES: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  D: "directory",
  S: "file",
};

const NO_NAME = "" as ByteString;

/** What the extension headers in front of a member said. */
interface Extensions {
  pax: PaxRecords;
  longName?: ByteString;
  longLink?: ByteString;
}

/**
 * Reads an archive up to its end mark, or to the end of the bytes at a member's border.
 *
 * @throws EngineError `invalid-parameter` for a malformed archive or one beyond `TAR_LIMITS`
 */
export function parseTar(): Parser<void> {
  return new TarParser().run();
}

class TarParser {
  #offset = 0;
  #headerOffset = 0;
  #entries = 0;
  #segments = 0;
  #textBytes = 0;
  readonly #global = emptyPax();

  *run(): Parser<void> {
    for (;;) {
      const entry = yield* this.#member();
      if (entry === undefined) return;
      this.#charge(entry);
      const paddedSize = padded(entry.storedSize);
      this.#offset += paddedSize;
      yield { entry, paddedSize };
    }
  }

  /** Keeps count of what a caller that keeps everything holds in memory. A few compressed bytes can make a lot of it. */
  #charge({ name, linkName, xattrs, segments = [] }: TarEntry): void {
    this.#entries++;
    this.#segments += segments.length;
    this.#textBytes += name.length + linkName.length;
    for (const [attribute, value] of xattrs) this.#textBytes += attribute.length + value.byteLength;
    if (this.#entries > TAR_LIMITS.entries) throw this.#error(`more than ${TAR_LIMITS.entries} members`);
    if (this.#segments > TAR_LIMITS.segments) throw this.#error("sparse files have too many pieces");
    if (this.#textBytes > TAR_LIMITS.textBytes) throw this.#error("too many names and attributes");
  }

  /** Extension headers, then the member that they describe. */
  *#member(): Parser<TarEntry | undefined> {
    const extensions: Extensions = { pax: emptyPax() };
    for (let headers = 0; headers <= TAR_LIMITS.extensionHeaders; headers++) {
      this.#headerOffset = this.#offset;
      const block = yield* this.#header(headers > 0);
      if (block === undefined) return undefined;
      const header = readHeader(block, this.#headerOffset);
      if (!(yield* this.#extension(header, extensions))) return yield* this.#entry(header, extensions);
    }
    throw this.#error("too many extension headers");
  }

  *#header(extended: boolean): Parser<Uint8Array | undefined> {
    const block = yield { need: TAR_BLOCK };
    this.#offset += block.byteLength;
    const ended = block.byteLength === 0 || (block.byteLength === TAR_BLOCK && isZeroBlock(block));
    if (ended && !extended) return undefined;
    if (ended || block.byteLength < TAR_BLOCK) throw this.#error("unexpected end");
    return block;
  }

  /** @returns false when the header is a member's own */
  *#extension(header: RawHeader, extensions: Extensions): Parser<boolean> {
    switch (header.typeflag) {
      case "x":
      case "X":
        this.#addPax(extensions.pax, yield* this.#payload(header, TAR_LIMITS.paxBytes));
        return true;
      case "g":
        this.#addPax(this.#global, yield* this.#payload(header, TAR_LIMITS.paxBytes));
        return true;
      case "L":
        extensions.longName = this.#longName(yield* this.#payload(header, TAR_LIMITS.nameBytes + 1));
        return true;
      case "K":
        extensions.longLink = this.#longName(yield* this.#payload(header, TAR_LIMITS.nameBytes + 1));
        return true;
      case "V":
        yield* this.#payload(header, TAR_LIMITS.paxBytes);
        return true;
      default:
        return false;
    }
  }

  *#payload(header: RawHeader, limitBytes: number): Parser<Uint8Array> {
    if (header.size > limitBytes) throw this.#error(`extension header of ${header.size} bytes`);
    return (yield* this.#bytes(padded(header.size))).subarray(0, header.size);
  }

  *#bytes(size: number): Parser<Uint8Array> {
    if (size === 0) return new Uint8Array(0);
    const bytes = yield { need: size };
    this.#offset += bytes.byteLength;
    if (bytes.byteLength < size) throw this.#error("unexpected end");
    return bytes;
  }

  #addPax(records: PaxRecords, bytes: Uint8Array): void {
    const reason = addPaxRecords(records, bytes);
    if (reason !== undefined) throw this.#error(reason);
  }

  /** GNU ends long names with a NUL. */
  #longName(bytes: Uint8Array): ByteString {
    const end = bytes.indexOf(0);
    return byteStringFrom(end < 0 ? bytes : bytes.subarray(0, end));
  }

  *#entry(header: RawHeader, extensions: Extensions): Parser<TarEntry> {
    const { pax } = extensions;
    const field = (name: string) => pax.values.get(name) ?? this.#global.values.get(name);
    const name = this.#name(field("GNU.sparse.name") || field("path") || extensions.longName || header.name);
    const type = this.#type(header, name);
    const linked = type === "link" || type === "symlink";
    const device = type === "character" || type === "block";
    const stored = this.#storedSize(header, { type, size: field("size") });
    const sparse = type === "file" ? yield* this.#sparse(header, { field, pax, storedSize: stored }) : undefined;
    return {
      type,
      name,
      linkName: linked ? this.#name(field("linkpath") || extensions.longLink || header.linkName) : NO_NAME,
      mode: header.mode & 0o7777,
      uid: this.#id(field("uid"), header.uid, "user id"),
      gid: this.#id(field("gid"), header.gid, "group id"),
      userName: textOf(field("uname") ?? header.userName),
      groupName: textOf(field("gname") ?? header.groupName),
      size: type === "file" ? (sparse?.size ?? stored) : 0,
      modified: this.#time(field("mtime"), header.seconds),
      deviceMajor: device ? header.deviceMajor : 0,
      deviceMinor: device ? header.deviceMinor : 0,
      xattrs: pax.xattrs.size === 0 ? this.#global.xattrs : new Map([...this.#global.xattrs, ...pax.xattrs]),
      dataOffset: this.#offset,
      storedSize: sparse?.storedSize ?? stored,
      ...(sparse === undefined ? {} : { segments: sparse.segments }),
    };
  }

  /** Links, devices and the like have no data, whatever their size field says. A dumpdir has, though a directory. */
  #storedSize(header: RawHeader, known: { type: TarEntryType; size: string | undefined }): number {
    if (known.type !== "file" && header.typeflag !== "D") return 0;
    const size = this.#number(known.size, "size", Number.MAX_SAFE_INTEGER) ?? header.size;
    if (size < 0) throw this.#error("negative size");
    return size;
  }

  #type(header: RawHeader, name: ByteString): TarEntryType {
    const type = TYPES[header.typeflag];
    if (type === undefined) throw this.#error(`unsupported member type "${header.typeflag}"`);
    // V7 tar had no type for directories.
    return type === "file" && name.endsWith("/") && header.typeflag !== "7" ? "directory" : type;
  }

  #name(name: ByteString): ByteString {
    if (name === "") throw this.#error("empty name");
    if (name.length > TAR_LIMITS.nameBytes) throw this.#error(`name of ${name.length} bytes`);
    if (name.includes("\0")) throw this.#error("NUL in a name");
    return name;
  }

  #id(field: string | undefined, recorded: number, what: string): number {
    const id = this.#number(field, what, 0xffff_fffe) ?? recorded;
    if (id < 0 || id > 0xffff_fffe) throw this.#error(`${what} ${id} out of range`);
    return id;
  }

  #number(field: string | undefined, what: string, max: number): number | undefined {
    if (field === undefined || field === "") return undefined;
    const value = parseDecimal(field);
    if (value === undefined || value > max) throw this.#error(`invalid ${what} "${field}"`);
    return value;
  }

  #time(field: string | undefined, seconds: number): TarTime {
    if (field === undefined || field === "") return { seconds, nanoseconds: 0 };
    const time = parsePaxTime(field);
    if (time === undefined) throw this.#error(`invalid time "${field}"`);
    return time;
  }

  /** The map of a sparse file; with it the offset moves to where the data starts. */
  *#sparse(
    header: RawHeader,
    from: { field: (name: string) => ByteString | undefined; pax: PaxRecords; storedSize: number },
  ): Parser<{ size: number; storedSize: number; segments: TarSegment[] } | undefined> {
    const { field, pax, storedSize } = from;
    if (header.typeflag === "S") {
      const { size, segments } = yield* this.#oldGnuMap(header);
      return this.#checked(segments, { file: size, stored: storedSize });
    }
    if (field("GNU.sparse.major") === "1") {
      const start = this.#offset;
      const segments = yield* this.#mapBeforeData(storedSize);
      const size = this.#number(field("GNU.sparse.realsize"), "sparse file size", Number.MAX_SAFE_INTEGER);
      return this.#checked(segments, { file: size, stored: storedSize - (this.#offset - start) });
    }
    const map = field("GNU.sparse.map");
    if (map === undefined && pax.sparsePairs.length === 0) return undefined;
    const segments = pairSegments(map === undefined ? pax.sparsePairs : map === "" ? [] : map.split(","));
    const size = this.#number(field("GNU.sparse.size"), "sparse file size", Number.MAX_SAFE_INTEGER);
    return this.#checked(segments, { file: size, stored: storedSize });
  }

  #checked(segments: TarSegment[] | undefined, sizes: { file: number | undefined; stored: number }) {
    const { file, stored } = sizes;
    const checked =
      segments === undefined || file === undefined ? undefined : checkSegments(segments, { file, stored });
    if (checked === undefined || file === undefined) throw this.#error("inconsistent map of a sparse file");
    return { size: file, storedSize: stored, segments: checked };
  }

  *#oldGnuMap(header: RawHeader): Parser<{ size: number | undefined; segments: TarSegment[] | undefined }> {
    const size = readNumber(header.block, 483, 12);
    const segments = readOldGnuSlots(header.block, { offset: 386, count: 4 });
    for (let more = header.block[482] !== 0; more && segments !== undefined; ) {
      const block = yield* this.#bytes(TAR_BLOCK);
      const slots = readOldGnuSlots(block, { offset: 0, count: 21 });
      if (slots === undefined || segments.length > TAR_LIMITS.segments) return { size, segments: undefined };
      segments.push(...slots);
      more = block[504] !== 0;
    }
    return { size, segments };
  }

  *#mapBeforeData(limitBytes: number): Parser<TarSegment[] | undefined> {
    const map = new SparseMapReader();
    for (let read = 0; !map.done; read += TAR_BLOCK) {
      if (read >= limitBytes || !map.add(yield* this.#bytes(TAR_BLOCK))) return undefined;
    }
    return map.segments;
  }

  #error(reason: string): Error {
    return malformedTar(reason, this.#headerOffset);
  }
}

function padded(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
}
