/**
 * Writes a tree of layers to disk, for the drivers that need directories. It is safe by what it starts from: the tree
 * has each path once and only directories above it, whatever the tars said, so objects are made parents first in a
 * directory nobody else can enter. The executor makes them, since JavaScript has no mknod, setxattr or exact times;
 * it follows no link on the way.
 */
import { type Executor, encodeDevice, encodeNumbers, encodeXattrs, FILE_TYPES, type HostOp } from "#executor";
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

/** Offset in the source, offset in the file, bytes. */
function encodePieces({ size, data }: FileInode): Uint8Array {
  const segments = data.segments ?? (size === 0 ? [] : [{ offset: 0, size }]);
  let from = data.offset;
  return encodeNumbers(
    segments.flatMap((segment) => {
      const piece = [from, segment.offset, segment.size];
      from += segment.size;
      return piece;
    }),
  );
}
