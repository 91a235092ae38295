import type { TreeEntry } from "#executor";
import type { ByteString } from "#lib/fs";
import { TAR_END, type TarEntryType, type TarHeader, tarHeader, tarPadding } from "#lib/tar";

/** Small pieces leave together, in chunks of about this size. */
const CHUNK_BYTES = 128 * 1024;
/** Of so many files with several names the first is remembered. Beyond, each further name is stored as a file of its own. */
const LINKS_LIMIT = 1 << 20;

const TYPES: Readonly<Record<number, TarEntryType>> = {
  16807: "file",
  9604: "directory",
  21609: "symlink",
  4802: "character",
  14406: "block",
  2401: "fifo",
};

/** The extended attributes that archives have. Docker keeps capabilities only. */
export const ARCHIVED_XATTRS: readonly string[] = ["security.capability", "user."];

/** What becomes of an entry in an archive; undefined for what has no place in one (sockets). */
export function typeOf({ mode }: Pick<TreeEntry, "mode">): TarEntryType | undefined {
  return TYPES[mode & 0o170000];
}

/** A tar, piece by piece. Further names of a file become links, its content comes once. */
export class TreeTar {
  #pending: Uint8Array[] = [];
  #size = 0;
  readonly #first = new Map<string, ByteString>();

  /** Adds an entry under a name; yields what there is to send by now. */
  async *add(entry: TreeEntry, name: ByteString): AsyncGenerator<Uint8Array> {
    const type = typeOf(entry);
    if (type === undefined) return;
    const first = type === "directory" ? undefined : this.#firstName(entry.identity, name);
    if (first !== undefined) return yield* this.header({ ...headerOf(entry, "link", name), linkName: first });
    yield* this.header(headerOf(entry, type, name));
    if (type !== "file") return;
    for await (const piece of entry.content) yield* this.#put(piece);
    yield* this.#put(tarPadding(entry.size));
  }

  /** Adds a member without content. */
  *header(header: TarHeader): Generator<Uint8Array> {
    yield* this.#put(tarHeader(header));
  }

  /** The end of the archive. */
  *end(): Generator<Uint8Array> {
    yield* this.#put(TAR_END);
    yield* this.#flush();
  }

  *#put(bytes: Uint8Array): Generator<Uint8Array> {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= CHUNK_BYTES) yield* this.#flush();
  }

  *#flush(): Generator<Uint8Array> {
    const pending = this.#pending;
    this.#pending = [];
    this.#size = 0;
    if (pending.length > 0) yield pending.length === 1 ? pending[0]! : Buffer.concat(pending);
  }

  #firstName(identity: string, name: ByteString): ByteString | undefined {
    if (identity === "") return undefined;
    const first = this.#first.get(identity);
    if (first === undefined && this.#first.size < LINKS_LIMIT) this.#first.set(identity, name);
    return first;
  }
}

/** Times in whole seconds, as Docker writes them: a fraction would cost each member two blocks more. */
function headerOf(entry: TreeEntry, type: TarEntryType, name: ByteString): TarHeader {
  return {
    type,
    name: (type === "directory" && !name.endsWith("/") ? `${name}/` : name) as ByteString,
    mode: entry.mode & 0o7777,
    size: type === "file" ? entry.size : 0,
    linkName: type === "symlink" ? entry.linkTo : ("" as ByteString),
    uid: entry.uid,
    gid: entry.gid,
    modified: { seconds: entry.seconds, nanoseconds: 0 },
    deviceMajor: type === "character" || type === "block" ? entry.deviceMajor : 0,
    deviceMinor: type === "character" || type === "block" ? entry.deviceMinor : 0,
    xattrs: type === "link" ? NONE : entry.xattrs,
  };
}

const NONE: ReadonlyMap<ByteString, Uint8Array> = new Map();
