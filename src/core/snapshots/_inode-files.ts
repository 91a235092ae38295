import type { ContentStore } from "#core/content";
import type { DirectoryInode, Extent, FileInode, Inode } from "#lib/erofs";
import { type ByteString, type ResolvedPath, resolvePath } from "#lib/fs";
import { buildLayerTree } from "./_layers.ts";
import type { FileEntry, FileStat, FileTree } from "./file-tree.ts";
import type { DiffID } from "./snapshot.ts";

/** The files of a chain from the headers of its tars, for drivers that keep no index of them. */
export async function browseLayers(content: ContentStore, chain: readonly DiffID[]): Promise<FileTree> {
  const { root } = await buildLayerTree(content, chain);
  return new InodeFiles(
    root,
    chain.map((diffID) => content.path(diffID)),
  );
}

class InodeFiles implements FileTree {
  readonly #root: DirectoryInode;
  readonly #sources: readonly string[];
  /** By their number, which is their place. */
  readonly #inodes: Inode[] = [];
  readonly #stats = new Map<Inode, FileStat>();

  constructor(root: DirectoryInode, sources: readonly string[]) {
    this.#root = root;
    this.#sources = sources;
    this.#number(root);
  }

  resolve(path: ByteString, options: { followLast?: boolean } = {}): ResolvedPath<FileStat> | undefined {
    return resolvePath<FileStat>(
      {
        root: this.#stat(this.#root),
        typeOf: (stat) => stat.type,
        child: (directory, name) => {
          const child = this.#children(directory).get(name);
          return child && this.#stat(child);
        },
        readLink: (stat) => this.readLink(stat),
      },
      path,
      options,
    );
  }

  entries(directory: FileStat): FileEntry[] {
    const entries = [...this.#children(directory)].map(([name, inode]) => ({ name, stat: this.#stat(inode) }));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  readLink(symlink: FileStat): ByteString {
    const inode = this.#inode(symlink);
    return inode.type === "symlink" ? inode.target : ("" as ByteString);
  }

  xattrs(file: FileStat): ReadonlyMap<ByteString, Uint8Array> {
    return this.#inode(file).xattrs;
  }

  *extents(file: FileStat): Generator<Extent, void> {
    const { size, data } = this.#inode(file) as FileInode;
    let at = data.offset;
    for (const segment of data.segments ?? (size === 0 ? [] : [{ offset: 0, size }])) {
      yield { offset: segment.offset, size: segment.size, source: data.source, at };
      at += segment.size;
    }
  }

  sourcePath(source: number): string {
    return this.#sources[source]!;
  }

  /** It holds no file open. */
  [Symbol.dispose](): void {}

  /** Gives every inode its number and counts its names. */
  #number(root: DirectoryInode): void {
    this.#add(root, 2 + directoriesIn(root));
    const directories = [root];
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      for (const child of directory.children.values()) {
        if (child.type === "directory") directories.push(child);
        const known = this.#stats.get(child);
        if (known === undefined) this.#add(child, child.type === "directory" ? 2 + directoriesIn(child) : 1);
        else this.#stats.set(child, { ...known, links: known.links + 1 });
      }
    }
  }

  #add(inode: Inode, links: number): void {
    const { mode, uid, gid, seconds, nanoseconds } = inode;
    const isDevice = inode.type === "character" || inode.type === "block";
    const { major, minor } = isDevice ? inode : { major: 0, minor: 0 };
    const nid = this.#inodes.push(inode) - 1;
    const size = sizeOf(inode);
    this.#stats.set(inode, { nid, type: inode.type, mode, uid, gid, size, links, seconds, nanoseconds, major, minor });
  }

  #stat(inode: Inode): FileStat {
    return this.#stats.get(inode)!;
  }

  #inode(stat: FileStat): Inode {
    return this.#inodes[stat.nid]!;
  }

  #children(directory: FileStat): ReadonlyMap<ByteString, Inode> {
    const inode = this.#inode(directory);
    return inode.type === "directory" ? inode.children : new Map();
  }
}

function directoriesIn(directory: DirectoryInode): number {
  let count = 0;
  for (const child of directory.children.values()) if (child.type === "directory") count++;
  return count;
}

function sizeOf(inode: Inode): number {
  if (inode.type === "symlink") return inode.target.length;
  return inode.type === "file" ? inode.size : 0;
}
