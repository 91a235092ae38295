/**
 * The on-disk format of EROFS as far as tug writes and reads it (Linux, fs/erofs/erofs_fs.h and
 * Documentation/filesystems/erofs.rst). All numbers are little-endian.
 *
 *     0        zeros
 *     1024     superblock, 128 bytes
 *     1152     one slot of 128 bytes for each extra device
 *     META     inodes with what belongs to them, in slots of 32 bytes; an inode's nid is its slot
 *     DATA     blocks of directories and long symlinks, and file chunks that could not be mapped
 *
 * META and DATA start at blocks. An inode (32 bytes compact, 64 extended) is followed by its xattrs, then by either
 * a tail of its data (layout "flat inline", never across a block) or its chunk indexes ("chunk-based"): each says
 * on which device and block a chunk of the file starts. Device 0 is the image itself, device N the Nth data file.
 */

/** tar's block: any file in a tar starts at one. */
export const BLOCK_BITS = 9;
export const BLOCK = 1 << BLOCK_BITS;

export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_SIZE = 128;
export const MAGIC = 0xe0f5e1e2;
export const DEVICE_SLOT_SIZE = 128;
export const FEATURE_COMPAT_CHECKSUM = 0x1;
export const FEATURE_COMPAT_MTIME = 0x2;
export const FEATURE_INCOMPAT_CHUNKED_FILE = 0x4;
export const FEATURE_INCOMPAT_DEVICE_TABLE = 0x8;

export const SLOT = 32;
export const COMPACT_SIZE = 32;
export const EXTENDED_SIZE = 64;
/** `i_format`: bit 0 is the version (1 extended), bits 1 to 3 the data layout. */
export const FORMAT_EXTENDED = 1;
export const LAYOUT_FLAT_PLAIN = 0;
export const LAYOUT_FLAT_INLINE = 2;
export const LAYOUT_CHUNK_BASED = 4;
/** Chunk info: bits 0 to 4 are log2 of the blocks of a chunk. */
export const CHUNK_BITS_MASK = 0x1f;
export const CHUNK_INDEXES = 0x20;
export const CHUNK_INDEX_SIZE = 8;
/** A hole, and the address of a file without blocks. */
export const NULL_BLOCK = 0xffff_ffff;

export const DIRENT_SIZE = 12;

/** `i_mode` bits and directory entry types by inode type. */
export const MODES = {
  file: { mode: 0o100000, dirent: 1 },
  directory: { mode: 0o040000, dirent: 2 },
  character: { mode: 0o020000, dirent: 3 },
  block: { mode: 0o060000, dirent: 4 },
  fifo: { mode: 0o010000, dirent: 5 },
  symlink: { mode: 0o120000, dirent: 7 },
} as const;

export const XATTR_HEADER_SIZE = 12;
export const XATTR_ENTRY_SIZE = 4;
/** Attribute name prefixes and their indexes; the rest of the name is stored. The kernel serves no others. */
export const XATTR_PREFIXES: readonly { readonly prefix: string; readonly index: number; readonly whole: boolean }[] = [
  { prefix: "user.", index: 1, whole: false },
  { prefix: "system.posix_acl_access", index: 2, whole: true },
  { prefix: "system.posix_acl_default", index: 3, whole: true },
  { prefix: "trusted.", index: 4, whole: false },
  { prefix: "security.", index: 6, whole: false },
];

/** The kernel's `new_encode_dev`. */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** The reverse of `encodeDevice`. */
export function decodeDevice(encoded: number): { major: number; minor: number } {
  return { major: (encoded >>> 8) & 0xfff, minor: (encoded & 0xff) | ((encoded >>> 12) & 0xfff00) };
}

export function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
