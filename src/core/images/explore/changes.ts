import type { ContentStore } from "#core/content";
import { buildLayerTree, type DiffID } from "#core/snapshots";
import { nextTurn } from "#lib/async";
import type { DirectoryInode, FileInode, Inode } from "#lib/erofs";
import { EngineError } from "#lib/errors";
import type { ByteString } from "#lib/fs";

/** What the changes of one image may take. */
const CHANGE_LIMITS = {
  /** About 200 bytes each; the largest images have below half of that. */
  changes: 1 << 20,
  /** Of all paths together. */
  pathBytes: 256 * 1024 * 1024,
};
/** Each costs a walk through all names so far. Builders stop at 127. */
const MAX_LAYERS = 1024;
/** After so many names other work of the process gets its turn; takes about 1 ms. */
const NAMES_PER_TURN = 4096;

export type ChangeKind = "added" | "changed" | "deleted";

/**
 * What one layer did to one path of the files below it. A deleted directory is one change, whatever was in it; so is
 * a directory that a file replaced. A directory that comes again with the same mode and owner is none.
 */
export interface Change {
  readonly kind: ChangeKind;
  /** From the root: `/etc/passwd`. */
  readonly path: ByteString;
  /** Position of the layer that made it, from the bottom, 0 the first. */
  readonly layer: number;
  /** What is there now; of a deletion, what was there. */
  readonly inode: Inode;
  /** Bytes of the file, or of all below a deleted directory. */
  readonly sizeBytes: number;
  /** Files below a deleted or replaced directory, else 0. */
  readonly filesBelow: number;
  /** What was there before. */
  readonly before?: { readonly inode: Inode; readonly layer: number; readonly sizeBytes: number };
  /**
   * The file's content came again as it was, as far as size and time tell: copy-up takes whole files even where only
   * the mode or the owner changes. Always so of directories.
   */
  readonly sameContent: boolean;
  /** Whether the path is there in the whole image, as this change left it. */
  readonly isVisible: boolean;
  /** Bytes in lower layers that nothing shows since this change, by layer. */
  readonly wasted: ReadonlyMap<number, number>;
}

export interface ChainChanges {
  /** Of each layer, bottom first, sorted by path. */
  readonly layers: readonly (readonly Change[])[];
  /** Bytes in each layer that no file of the image uses. */
  readonly wastedBytes: readonly number[];
}

interface ReadOptions {
  readonly signal: AbortSignal;
  readonly limits?: typeof CHANGE_LIMITS;
}

/**
 * Tells what each layer of a chain changed, from the headers of their tars. Layers are applied one after the other,
 * and after each the tree is compared with what it was.
 *
 * @throws EngineError `invalid-parameter` for a layer that is malformed, or a chain with too many changes; `not-found`
 */
export async function readChanges(
  content: ContentStore,
  chain: readonly DiffID[],
  { signal, limits = CHANGE_LIMITS }: ReadOptions,
): Promise<ChainChanges> {
  if (chain.length > MAX_LAYERS)
    throw new EngineError("invalid-parameter", `explain image: it has more than ${MAX_LAYERS} layers`);
  const comparison = new Comparison(chain.length, { signal, limits });
  await buildLayerTree(content, chain, ({ root }, layer) => comparison.apply(root, layer));
  return comparison.result();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<Omit<Change, "wasted">> & { wasted: Map<number, number> };

/** A path as the layers so far left it. */
interface Seen {
  readonly inode: Inode;
  readonly change: Draft;
  /** Of a directory. */
  readonly children?: Map<ByteString, Seen>;
}

/** A file's content, and how many names it has. */
interface Stored {
  readonly layer: number;
  readonly bytes: number;
  names: number;
}

/** A directory as it was and as it is now. */
interface Pair {
  readonly path: string;
  readonly before: Map<ByteString, Seen>;
  readonly after: DirectoryInode;
}

const NO_WASTE: Map<number, number> = new Map();

class Comparison {
  readonly #layers: Draft[][];
  readonly #wasted: number[];
  readonly #signal: AbortSignal;
  readonly #limits: typeof CHANGE_LIMITS;
  readonly #stored = new Map<FileInode, Stored>();
  #root: Seen | undefined;
  /** Contents that lost a name in this layer, and the change that took it. */
  #lost: { stored: Stored; inode: FileInode; change: Draft }[] = [];
  #layer = 0;
  #changes = 0;
  #pathBytes = 0;
  #names = 0;

  constructor(layers: number, { signal, limits }: Required<ReadOptions>) {
    this.#signal = signal;
    this.#limits = limits;
    this.#layers = Array.from({ length: layers }, () => []);
    this.#wasted = Array.from({ length: layers }, () => 0);
  }

  async apply(root: DirectoryInode, layer: number): Promise<void> {
    this.#layer = layer;
    this.#lost = [];
    const pending = [this.#applyRoot(root)];
    for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) await this.#compare(pair, pending);
    this.#settle();
    this.#layers[layer]!.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  result(): ChainChanges {
    return { layers: this.#layers, wastedBytes: this.#wasted };
  }

  #applyRoot(root: DirectoryInode): Pair {
    const before = this.#root;
    const isSame = before !== undefined && sameAttributes(before.inode, root);
    // An image has a root from the beginning: only its attributes are news.
    const change = isSame ? before.change : this.#draft("changed", "/", root);
    const children = before?.children ?? new Map<ByteString, Seen>();
    if (before !== undefined && !isSame) this.#record(change);
    this.#root = { inode: root, change, children };
    return { path: "", before: children, after: root };
  }

  async #compare({ path, before, after }: Pair, pending: Pair[]): Promise<void> {
    for (const [name, inode] of after.children) {
      await this.#turn();
      const seen = before.get(name);
      if (seen?.inode === inode && inode.type !== "directory") continue;
      const next = await this.#next({ path: `${path}/${name}`, seen, inode });
      if (next !== seen) before.set(name, next);
      if (inode.type === "directory") pending.push({ path: `${path}/${name}`, before: next.children!, after: inode });
    }
    if (before.size === after.children.size) return;
    for (const [name, seen] of before) {
      if (after.children.has(name)) continue;
      before.delete(name);
      await this.#delete(`${path}/${name}`, seen);
    }
  }

  /** The path as this layer left it, which something has happened to unless it is a directory. */
  async #next({ path, seen, inode }: { path: string; seen: Seen | undefined; inode: Inode }): Promise<Seen> {
    if (seen === undefined) return this.#add(this.#draft("added", path, inode));
    if (inode.type === "directory" && seen.inode.type === "directory") {
      if (sameAttributes(seen.inode, inode)) return seen;
      const change = this.#replacing(seen, this.#draft("changed", path, inode));
      change.sameContent = true;
      this.#record(change);
      return { inode, change, children: seen.children! };
    }
    const change = this.#replacing(seen, this.#draft("changed", path, inode));
    change.sameContent = isSameContent(seen.inode, inode);
    const { files } = await this.#drop(seen, change);
    change.filesBelow = files;
    return this.#add(change);
  }

  async #delete(path: string, seen: Seen): Promise<void> {
    const change = this.#replacing(seen, this.#draft("deleted", path, seen.inode));
    const { files, bytes } = await this.#drop(seen, change);
    change.sizeBytes = bytes;
    change.filesBelow = files;
    change.isVisible = false;
    this.#record(change);
  }

  #draft(kind: ChangeKind, path: string, inode: Inode): Draft {
    return {
      kind,
      path: path as ByteString,
      layer: this.#layer,
      inode,
      sizeBytes: sizeOf(inode),
      filesBelow: 0,
      sameContent: false,
      isVisible: true,
      wasted: NO_WASTE,
    };
  }

  #replacing(seen: Seen, change: Draft): Draft {
    seen.change.isVisible = false;
    change.before = { inode: seen.inode, layer: seen.change.layer, sizeBytes: sizeOf(seen.inode) };
    return change;
  }

  #add(change: Draft): Seen {
    const { inode } = change;
    this.#record(change);
    if (inode.type === "directory") return { inode, change, children: new Map() };
    if (inode.type === "file") {
      const stored = this.#stored.get(inode) ?? { layer: inode.data.source, bytes: storedBytes(inode), names: 0 };
      stored.names++;
      this.#stored.set(inode, stored);
    }
    return { inode, change };
  }

  #record(change: Draft): void {
    const { changes, pathBytes } = this.#limits;
    this.#pathBytes += change.path.length;
    if (++this.#changes > changes || this.#pathBytes > pathBytes)
      throw new EngineError("invalid-parameter", "explain image: its layers change too many files");
    this.#layers[this.#layer]!.push(change);
  }

  /** Takes away a path with all below it. @returns what there was below, itself included when it is a file */
  async #drop(seen: Seen, change: Draft): Promise<{ files: number; bytes: number }> {
    let files = 0;
    let bytes = 0;
    const pending = [seen];
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      await this.#turn();
      each.change.isVisible = false;
      bytes += sizeOf(each.inode);
      if (each !== seen && each.inode.type !== "directory") files++;
      if (each.inode.type === "file") this.#lose(each.inode, change);
      for (const child of each.children?.values() ?? []) pending.push(child);
    }
    return { files, bytes };
  }

  #lose(inode: FileInode, change: Draft): void {
    const stored = this.#stored.get(inode);
    if (stored === undefined) return;
    stored.names--;
    this.#lost.push({ stored, inode, change });
  }

  /** A content that lost all names in this layer is a waste: of what took the last one. */
  #settle(): void {
    for (const { stored, inode, change } of this.#lost.reverse()) {
      if (stored.names > 0 || !this.#stored.delete(inode)) continue;
      this.#wasted[stored.layer]! += stored.bytes;
      if (change.wasted === NO_WASTE) change.wasted = new Map();
      change.wasted.set(stored.layer, (change.wasted.get(stored.layer) ?? 0) + stored.bytes);
    }
  }

  /** Undefined while it is still our turn, which saves waiting. */
  #turn(): Promise<void> | undefined {
    return ++this.#names % NAMES_PER_TURN === 0 ? this.#rest() : undefined;
  }

  async #rest(): Promise<void> {
    await nextTurn();
    this.#signal.throwIfAborted();
  }
}

function sizeOf(inode: Inode): number {
  return inode.type === "file" ? inode.size : 0;
}

/** Holes take no space. */
function storedBytes({ size, data }: FileInode): number {
  return data.segments?.reduce((sum, segment) => sum + segment.size, 0) ?? size;
}

/** A change of mode, owner or attributes leaves the time of the last change of the content. */
function isSameContent(before: Inode, after: Inode): boolean {
  if (before.type !== "file" || after.type !== "file" || before.size !== after.size) return false;
  return before.seconds === after.seconds && before.nanoseconds === after.nanoseconds;
}

function sameAttributes(a: Inode, b: Inode): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.xattrs.size !== b.xattrs.size) return false;
  for (const [name, value] of a.xattrs) {
    const other = b.xattrs.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}
