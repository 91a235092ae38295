import type { ByteString } from "#lib/fs";

/**
 * A file system tree in memory, the writer's input. Hard links are one inode under several names. Directories hold
 * no "." and "..", and appear once.
 */
export type Inode = FileInode | DirectoryInode | SymlinkInode | DeviceInode | FifoInode;

interface Attributes {
  /** Permission bits, setuid, setgid and sticky (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Modification time: seconds since 1970, and nanoseconds forward from there. */
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

export interface FileInode extends Attributes {
  readonly type: "file";
  readonly size: number;
  readonly data: FileData;
}

/** Where a file's content lies in the data files that the image points into. */
export interface FileData {
  /** Index of the data file. */
  readonly source: number;
  /** Where the content starts in it, a multiple of 512. */
  readonly offset: number;
  /** Pieces of a sparse file, ascending, stored one after another from `offset` on; all between them is zero. */
  readonly segments?: readonly { readonly offset: number; readonly size: number }[];
}

export interface DirectoryInode extends Attributes {
  readonly type: "directory";
  readonly children: Map<ByteString, Inode>;
}

export interface SymlinkInode extends Attributes {
  readonly type: "symlink";
  readonly target: ByteString;
}

export interface DeviceInode extends Attributes {
  readonly type: "character" | "block";
  readonly major: number;
  readonly minor: number;
}

export interface FifoInode extends Attributes {
  readonly type: "fifo";
}

/** A file that holds the content of the image's files: it becomes an extra device, in the order given. */
export interface DataFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Up to 64 ASCII characters that name it in the device table: the hex of its sha256. */
  readonly tag: string;
}
