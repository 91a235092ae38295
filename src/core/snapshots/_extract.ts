/**
 * Writes a tree of layers to disk, for the drivers that need directories. It is safe by what it starts from: the tree
 * has each path once and only directories above it, whatever the tars said, so objects are made parents first in a
 * directory nobody else can enter. The executor makes them, since JavaScript has no mknod, setxattr or exact times;
 * it follows no link on the way.
 */
import type { Executor, HostOp } from "#executor";
import type { DirectoryInode, FileInode, Inode } from "#lib/erofs";
import { type ByteString, bytesOf } from "#lib/fs";

/** So many objects a plan: large enough to hide its cost, small enough to share the executor with others. */
const OBJECTS_PER_PLAN = 256;

/**
 * Extracts a tree into an existing directory and has it on disk when it returns.
 *
 * @param sources - the files that hold the content, by `FileData.source`
 * @throws EngineError of the failing step, after which the directory holds a part
 */
export async function extractTree(
  executor: Executor,
  root: DirectoryInode,
  options: { target: string; sources: readonly string[] },
): Promise<void> {
  let plan: HostOp[] = [];
  for (const op of extraction(root, options)) {
    plan.push(op);
    if (plan.length < OBJECTS_PER_PLAN) continue;
    await executor.run(plan);
    plan = [];
  }
  await executor.run([...plan, { op: "sync-filesystem", path: options.target }]);
}

/** Files on the way down, directories again on the way up: making something in a directory changes its time. */
function* extraction(root: DirectoryInode, options: { target: string; sources: readonly string[] }): Generator<HostOp> {
  const made = new Map<Inode, ByteString>();
  const pending: { path: ByteString; inode: Inode; filled: boolean }[] = [
    { path: "." as ByteString, inode: root, filled: false },
  ];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, inode, filled } = next;
    const first = filled ? undefined : made.get(inode);
    if (first !== undefined) {
      yield { op: "extract-link", root: options.target, target: bytesOf(path), linkTo: bytesOf(first) };
      continue;
    }
    yield extractOp(inode, { path, ...options });
    made.set(inode, path);
    if (inode.type !== "directory" || filled) continue;
    pending.push({ path, inode, filled: true });
    for (const [name, child] of inode.children)
      pending.push({ path: `${path}/${name}` as ByteString, inode: child, filled: false });
  }
}

const FILE_TYPES = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
} as const;

function extractOp(inode: Inode, at: { path: ByteString; target: string; sources: readonly string[] }): HostOp {
  const device = inode.type === "character" || inode.type === "block" ? encodeDevice(inode) : 0;
  return {
    op: "extract",
    root: at.target,
    target: bytesOf(at.path),
    mode: FILE_TYPES[inode.type] | inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    device,
    seconds: BigInt(inode.seconds),
    nanoseconds: inode.nanoseconds,
    linkTo: inode.type === "symlink" ? bytesOf(inode.target) : NO_BYTES,
    size: BigInt(inode.type === "file" ? inode.size : 0),
    source: inode.type === "file" && inode.size > 0 ? at.sources[inode.data.source]! : "",
    pieces: inode.type === "file" ? encodePieces(inode) : NO_BYTES,
    xattrs: encodeXattrs(inode.xattrs),
  };
}

const NO_BYTES = new Uint8Array(0);

/** The kernel's `new_encode_dev`. */
function encodeDevice({ major, minor }: { major: number; minor: number }): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

function encodePieces({ size, data }: FileInode): Uint8Array {
  const segments = data.segments ?? (size === 0 ? [] : [{ offset: 0, size }]);
  const bytes = Buffer.alloc(segments.length * 24);
  let from = data.offset;
  segments.forEach((segment, i) => {
    bytes.writeBigUInt64LE(BigInt(from), i * 24);
    bytes.writeBigUInt64LE(BigInt(segment.offset), i * 24 + 8);
    bytes.writeBigUInt64LE(BigInt(segment.size), i * 24 + 16);
    from += segment.size;
  });
  return bytes;
}

function encodeXattrs(xattrs: ReadonlyMap<ByteString, Uint8Array>): Uint8Array {
  if (xattrs.size === 0) return NO_BYTES;
  return Buffer.concat(
    [...xattrs].flatMap(([name, value]) => [uint32(name.length), bytesOf(name), NUL, uint32(value.byteLength), value]),
  );
}

const NUL = new Uint8Array(1);

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
