import { FILE_TYPES, type TreeEntry } from "#executor";
import type { ByteString } from "#lib/fs";
import { type TarEntryType, type TarHeader, TarPacker } from "#lib/tar";

/** Of so many files with several names the first is remembered. Beyond, each further name is stored as a file of its own. */
const LINKS_LIMIT = 1 << 20;

const TYPES: ReadonlyMap<number, TarEntryType> = new Map(
  Object.entries(FILE_TYPES).map(([type, bits]) => [bits, type as keyof typeof FILE_TYPES]),
);

/** The extended attributes that archives have. Docker keeps capabilities only. */
export const ARCHIVED_XATTRS: readonly string[] = ["security.capability", "user."];

/** What becomes of an entry in an archive; undefined for what has no place in one (sockets). */
export function typeOf({ mode }: Pick<TreeEntry, "mode">): TarEntryType | undefined {
  return TYPES.get(mode & 0o170000);
}

/** A tar of a tree. Further names of a file become links, its content comes once. */
export class TreeTar {
  readonly #packer = new TarPacker();
  readonly #first = new Map<string, ByteString>();

  /** Adds an entry under a name; yields what there is to send by now. */
  async *add(entry: TreeEntry, name: ByteString): AsyncGenerator<Uint8Array> {
    const type = typeOf(entry);
    if (type === undefined) return;
    const first = type === "directory" ? undefined : this.#firstName(entry.identity, name);
    if (first !== undefined) return yield* this.header({ ...headerOf(entry, "link", name), linkName: first });
    yield* this.header(headerOf(entry, type, name));
    if (type !== "file") return;
    for await (const piece of entry.content) yield* this.#packer.data(piece);
    yield* this.#packer.padding(entry.size);
  }

  /** Adds a member without content. */
  header(header: TarHeader): Generator<Uint8Array> {
    return this.#packer.header(header);
  }

  /** The end of the archive. */
  end(): Generator<Uint8Array> {
    return this.#packer.end();
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
  const isDevice = type === "character" || type === "block";
  return {
    type,
    name: (type === "directory" && !name.endsWith("/") ? `${name}/` : name) as ByteString,
    mode: entry.mode & 0o7777,
    size: type === "file" ? entry.size : 0,
    linkName: type === "symlink" ? entry.linkTo : ("" as ByteString),
    uid: entry.uid,
    gid: entry.gid,
    modified: { seconds: entry.seconds, nanoseconds: 0 },
    deviceMajor: isDevice ? entry.deviceMajor : 0,
    deviceMinor: isDevice ? entry.deviceMinor : 0,
    xattrs: type === "link" ? NO_XATTRS : entry.xattrs,
  };
}

const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();
