/**
 * The file tree that a stack of layers makes (image-spec, "Image Layer Filesystem Changeset"), held in memory as
 * the inodes that `#lib/erofs` writes. Layers are applied bottom first, entry by entry.
 *
 * 1. A name is resolved within the tree and nowhere else: symlinks among its parents are followed as if the tree were
 *    the root, `..` beyond the root is refused. So there is nothing to escape to, whatever a tar says.
 * 2. A missing parent is made. A parent that is neither directory nor a link to one is replaced by a directory.
 * 3. A directory entry over a directory renews its attributes; anything else replaces what was there.
 * 4. `.wh.NAME` removes NAME as far as it comes from lower layers, `.wh..wh..opq` everything in its directory that does,
 *    wherever in the layer they stand.
 */

import type { DirectoryInode, Inode } from "#lib/erofs";
import { EngineError } from "#lib/errors";
import { type ByteString, byteString, textOf } from "#lib/fs";
import type { TarEntry } from "#lib/tar";

/** Memory for a tree is about 300 bytes an inode; the largest images have below a million. */
const MAX_INODES = 1 << 21;
/** As the kernel's own limit on following. */
const MAX_SYMLINKS = 40;
const NAME_BYTES = 255;
/** Nobody could open a file that lies deeper: PATH_MAX is 4096. */
const MAX_DEPTH = 2048;

const WHITEOUT = ".wh.";
const WHITEOUT_META = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";
const OPAQUE_XATTR = byteString("trusted.overlay.opaque");

type Children = Map<ByteString, Inode>;

export class LayerTree {
  #root: DirectoryInode = impliedDirectory({ seconds: 0, nanoseconds: 0 });
  #layer = -1;
  #inodes = 0;
  /** Which layer an inode comes from, or was last changed by. */
  readonly #layers = new Map<Inode, number>();
  /** Names that the current layer took away from lower ones. */
  #removed = new Map<Children, Set<ByteString>>();
  /** Directories in which it took away everything. */
  #opaque = new Set<Children>();

  get root(): DirectoryInode {
    return this.#root;
  }

  /** The entries that follow belong to the next layer up. */
  beginLayer(): void {
    this.#layer++;
    this.#removed = new Map();
    this.#opaque = new Set();
  }

  /** @throws EngineError `invalid-parameter` for an entry that cannot be applied */
  add(entry: TarEntry): void {
    const path = normalize(entry.name);
    const name = path.at(-1);
    if (name === undefined) this.#setRoot(entry);
    else if (path.some((part) => part.startsWith(WHITEOUT_META) && part !== OPAQUE)) return;
    else if (name.startsWith(WHITEOUT)) this.#whiteOut(path, name);
    else this.#put(this.#parentOf(path, entry), name, entry);
  }

  /**
   * What the current layer changed, as overlayfs wants it in a lower directory: its own inodes, the directories on
   * the way to them, a 0/0 device for each name removed, `trusted.overlay.opaque` where nothing below may show.
   */
  layerDiff(): DirectoryInode {
    return this.#diff(this.#root) ?? { ...this.#root, children: new Map() };
  }

  #diff(directory: DirectoryInode, replaced = false): DirectoryInode | undefined {
    // Overlayfs merges the roots of its layers whatever their marks, so there every name is marked.
    const opaque = (replaced || this.#opaque.has(directory.children)) && directory !== this.#root;
    const removed = this.#removed.get(directory.children) ?? new Set();
    const children: Children = new Map();
    for (const name of removed) if (!opaque && !directory.children.has(name)) children.set(name, WHITEOUT_DEVICE);
    for (const [name, child] of directory.children) {
      const changed = this.#layers.get(child) === this.#layer;
      const kept = child.type === "directory" ? this.#diff(child, removed.has(name)) : changed ? child : undefined;
      if (kept !== undefined) children.set(name, kept);
    }
    if (!opaque && children.size === 0 && this.#layers.get(directory) !== this.#layer) return undefined;
    const xattrs = opaque ? new Map([...directory.xattrs, [OPAQUE_XATTR, OPAQUE_VALUE] as const]) : directory.xattrs;
    return { ...directory, xattrs, children };
  }

  #put(parent: DirectoryInode, name: ByteString, entry: TarEntry): void {
    const before = parent.children.get(name);
    const after = entry.type === "link" ? this.#linkTarget(entry) : this.#inode(entry, before);
    const merged = before?.type === "directory" && after.type === "directory";
    if (before !== undefined && !merged) this.#noteRemoved(parent.children, name);
    parent.children.set(name, after);
    this.#layers.set(after, this.#layer);
  }

  #setRoot(entry: TarEntry): void {
    if (entry.type !== "directory") throw cannotApply(entry.name, "the root must be a directory");
    this.#root = { ...attributesOf(entry), type: "directory", children: this.#root.children };
    this.#layers.set(this.#root, this.#layer);
  }

  #inode(entry: TarEntry, before: Inode | undefined): Inode {
    if (entry.type === "directory" && before?.type === "directory") return { ...before, ...attributesOf(entry) };
    this.#count();
    return inodeOf(entry, this.#layer);
  }

  #count(): void {
    if (++this.#inodes > MAX_INODES)
      throw new EngineError("invalid-parameter", `apply layer: more than ${MAX_INODES} files`);
  }

  /** The directory that a path's last part goes into. */
  #parentOf(path: readonly ByteString[], entry: TarEntry): DirectoryInode {
    const parent = this.#walk(path.slice(0, -1), entry.name, (directory, name) => {
      this.#count();
      if (directory.children.has(name)) this.#noteRemoved(directory.children, name);
      const made = impliedDirectory(entry.modified);
      directory.children.set(name, made);
      this.#layers.set(made, this.#layer);
      return made;
    });
    if (parent === undefined) throw cannotApply(entry.name, "its parent cannot be resolved");
    return parent;
  }

  #linkTarget(entry: TarEntry): Inode {
    const path = normalize(entry.linkName);
    const name = path.at(-1);
    const parent = this.#walk(path.slice(0, -1), entry.linkName, () => undefined);
    const target = name === undefined ? undefined : parent?.children.get(name);
    if (target === undefined)
      throw cannotApply(entry.name, `its link target "${textOf(entry.linkName)}" does not exist`);
    if (target.type === "directory")
      throw cannotApply(entry.name, `its link target "${textOf(entry.linkName)}" is a directory`);
    return target;
  }

  /** Resolves a path to a directory; `make` may supply what is no directory on the way. */
  #walk(
    path: readonly ByteString[],
    what: ByteString,
    make: (directory: DirectoryInode, name: ByteString) => DirectoryInode | undefined,
  ): DirectoryInode | undefined {
    const stack = [this.#root];
    const pending = path.toReversed();
    let symlinks = 0;
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (stack.length > MAX_DEPTH) throw cannotApply(what, "too many directories deep");
      const directory = stack.at(-1)!;
      const child = directory.children.get(part);
      if (part === "..") {
        if (stack.length > 1) stack.pop();
      } else if (child?.type === "directory") {
        stack.push(child);
      } else if (child?.type === "symlink") {
        if (++symlinks > MAX_SYMLINKS) throw cannotApply(what, "too many symlinks");
        if (child.target.startsWith("/")) stack.length = 1;
        pending.push(...split(child.target).toReversed());
      } else {
        const made = make(directory, part);
        if (made === undefined) return undefined;
        stack.push(made);
      }
    }
    return stack.at(-1);
  }

  #whiteOut(path: readonly ByteString[], name: ByteString): void {
    const directory = this.#walk(path.slice(0, -1), path.join("/") as ByteString, () => undefined);
    if (directory === undefined) return;
    if (name === OPAQUE) {
      this.#opaque.add(directory.children);
      this.#prune(directory);
      return;
    }
    const hidden = name.slice(WHITEOUT.length) as ByteString;
    if (hidden === "" || hidden === "." || hidden === "..") throw cannotApply(name, "it hides nothing");
    const child = directory.children.get(hidden);
    if (child === undefined || this.#keeps(child)) return;
    directory.children.delete(hidden);
    this.#noteRemoved(directory.children, hidden);
  }

  /** Takes away what lower layers put into a directory. @returns whether anything of this layer is left */
  #prune(directory: DirectoryInode): boolean {
    for (const [name, child] of directory.children) {
      if (this.#keeps(child)) continue;
      directory.children.delete(name);
      this.#noteRemoved(directory.children, name);
    }
    return directory.children.size > 0;
  }

  #keeps(inode: Inode): boolean {
    const own = this.#layers.get(inode) === this.#layer;
    if (inode.type !== "directory") return own;
    const left = this.#prune(inode);
    if (own || left) this.#opaque.add(inode.children);
    return own || left;
  }

  #noteRemoved(children: Children, name: ByteString): void {
    const names = this.#removed.get(children);
    if (names === undefined) this.#removed.set(children, new Set([name]));
    else names.add(name);
  }
}

const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();
const OPAQUE_VALUE = Buffer.from("y");

/** What overlayfs takes for "nothing here, whatever is below". */
const WHITEOUT_DEVICE: Inode = {
  type: "character",
  mode: 0,
  uid: 0,
  gid: 0,
  seconds: 0,
  nanoseconds: 0,
  xattrs: NO_XATTRS,
  major: 0,
  minor: 0,
};

/** A directory that entries need but no entry describes. */
function impliedDirectory(modified: { seconds: number; nanoseconds: number }): DirectoryInode {
  const { seconds, nanoseconds } = modified;
  return {
    type: "directory",
    mode: 0o755,
    uid: 0,
    gid: 0,
    seconds,
    nanoseconds,
    xattrs: NO_XATTRS,
    children: new Map(),
  };
}

function attributesOf(entry: TarEntry) {
  const { mode, uid, gid, modified } = entry;
  const { seconds, nanoseconds } = modified;
  return { mode, uid, gid, seconds, nanoseconds, xattrs: keptXattrs(entry) };
}

/** The namespaces that Linux has for attributes of files. */
const KNOWN_XATTR = /^((user|trusted|security)\..|system\.posix_acl_(access|default)$)/;
/** Overlayfs's own marks belong to the stack they were made in; here they would redirect or hide other files. */
const OVERLAY_XATTR = /^(trusted|user)\.overlay\./;

/** The extended attributes that can be kept: what the kernel would refuse, every extraction leaves out. */
function keptXattrs({ xattrs, type }: TarEntry): ReadonlyMap<ByteString, Uint8Array> {
  if (xattrs.size === 0) return NO_XATTRS;
  const mayHaveUser = type === "file" || type === "directory";
  const isKept = (name: string) =>
    KNOWN_XATTR.test(name) && !OVERLAY_XATTR.test(name) && (mayHaveUser || !name.startsWith("user."));
  return new Map([...xattrs].filter(([name]) => isKept(name)));
}

function inodeOf(entry: TarEntry, layer: number): Inode {
  const attributes = attributesOf(entry);
  switch (entry.type) {
    case "file": {
      const segments = entry.segments === undefined ? {} : { segments: entry.segments };
      const data = { source: layer, offset: entry.dataOffset, ...segments };
      return { ...attributes, type: "file", size: entry.size, data };
    }
    case "directory":
      return { ...attributes, type: "directory", children: new Map() };
    case "symlink":
      // Linux knows no other mode of a symlink; archives may.
      return { ...attributes, mode: 0o777, type: "symlink", target: entry.linkName };
    case "character":
    case "block":
      return { ...attributes, type: entry.type, major: entry.deviceMajor, minor: entry.deviceMinor };
    case "fifo":
      return { ...attributes, type: "fifo" };
    case "link":
      throw new Error("a link has no inode of its own");
  }
}

/** The parts of a name, with `..` resolved as text (as Docker does). @throws when it leads out of the root */
function normalize(name: ByteString): ByteString[] {
  const parts: ByteString[] = [];
  for (const part of split(name)) {
    if (part.length > NAME_BYTES) throw cannotApply(name, "file name too long");
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw cannotApply(name, "it leads out of the root");
  }
  return parts;
}

function split(path: ByteString): ByteString[] {
  return path.split("/").filter((part) => part !== "" && part !== ".") as ByteString[];
}

function cannotApply(name: ByteString, reason: string): EngineError {
  return new EngineError("invalid-parameter", `apply layer: "${textOf(name)}": ${reason}`);
}
