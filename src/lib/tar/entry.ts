import type { ByteString } from "#lib/fs";

export type TarEntryType = "file" | "directory" | "symlink" | "link" | "character" | "block" | "fifo";

/** One member of an archive, with every extension header before it already applied. */
export interface TarEntry {
  readonly type: TarEntryType;
  /** As recorded: it may be absolute, hold `..`, or end in a slash. Never trust it as a path. Not empty, no NUL. */
  readonly name: ByteString;
  /** Of a symlink what it holds, of a link the name of an earlier member; else empty. */
  readonly linkName: ByteString;
  /** Permission bits, setuid, setgid and sticky included (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  /** Bytes of the file as it will read, holes included. 0 for all other types. */
  readonly size: number;
  readonly modified: TarTime;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Full names (`user.mime`, `security.capability`) and raw values, from `SCHILY.xattr.*` records. */
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** Where in the archive the entry's data starts, a multiple of 512 … */
  readonly dataOffset: number;
  /** … and how many bytes of it there are, padding not counted. Less than `size` in a sparse file. */
  readonly storedSize: number;
  /** A sparse file's pieces, ascending; their data is stored one after another. All between them is zero. */
  readonly segments?: readonly TarSegment[];
}

export interface TarSegment {
  /** In the file. */
  readonly offset: number;
  readonly size: number;
}

export interface TarTime {
  /** Since 1970; negative before. */
  readonly seconds: number;
  /** 0 to 999,999,999, always forward from `seconds`. */
  readonly nanoseconds: number;
}

/** Everything in a tar comes in blocks of this size. */
export const TAR_BLOCK = 512;

/**
 * What a tar may make us hold in memory. The kernel's own limits where it has any: a longer path could not be used.
 */
export const TAR_LIMITS = {
  /** PATH_MAX. */
  nameBytes: 4096,
  /** The records of one pax header, as much as Go's reader takes. */
  paxBytes: 1024 * 1024,
  /** XATTR_SIZE_MAX. */
  xattrValueBytes: 64 * 1024,
  /** XATTR_LIST_MAX. */
  xattrNamesBytes: 64 * 1024,
  /** Extension headers in front of one member: pax, global pax, long name, long link, each perhaps twice. */
  extensionHeaders: 16,
  /** Pieces of all sparse files together. */
  segments: 1 << 20,
  /** Names, link names and extended attributes of all members together: whoever keeps them all keeps so much. */
  textBytes: 512 * 1024 * 1024,
  /** Members of one archive; the largest images have below one million. */
  entries: 1 << 22,
} as const;
