import type { ImageDifference, ImageDifferenceKind, ImageTotals } from "#api/engine";
import { type FileEntry, type FileStat, type FileTree, readContent } from "#core/snapshots";
import { nextTurn } from "#lib/async";
import { type ByteString, textOf } from "#lib/fs";

/** After so many names other work of the process gets its turn; takes about 2 ms. */
const NAMES_PER_TURN = 512;
/** Differences told one by one: about 150 bytes each beside their paths … */
const MAX_DIFFERENCES = 50_000;
/** … which may be long. */
const MAX_PATH_BYTES = 32 * 1024 * 1024;
/** Contents read of both images together: about a second from the page cache. */
const MAX_COMPARED_BYTES = 1 << 30;

export interface FilesComparison {
  readonly added: ImageTotals;
  readonly removed: ImageTotals;
  readonly changed: ImageTotals;
  readonly touched: number;
  readonly notCompared: number;
  readonly differences: readonly ImageDifference[];
  readonly isTruncated: boolean;
}

/** What the second image's files have that the first one's have not, and the other way round. */
export async function compareFiles(first: FileTree, second: FileTree, signal: AbortSignal): Promise<FilesComparison> {
  const comparison = new Comparison(first, second, signal);
  await comparison.run();
  return comparison.result();
}

interface Totals {
  Files: number;
  Directories: number;
  Bytes: number;
}

interface Pair {
  readonly path: string;
  readonly before: FileStat;
  readonly after: FileStat;
}

class Comparison {
  readonly #first: FileTree;
  readonly #second: FileTree;
  readonly #signal: AbortSignal;
  readonly #totals = { added: noTotals(), removed: noTotals(), changed: noTotals() };
  readonly #differences: ImageDifference[] = [];
  #isTruncated = false;
  #pathBytes = 0;
  #touched = 0;
  #notCompared = 0;
  #comparedBytes = 0;
  #names = 0;

  constructor(first: FileTree, second: FileTree, signal: AbortSignal) {
    this.#first = first;
    this.#second = second;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const root = "/" as ByteString;
    const before = this.#first.resolve(root)!.node;
    const after = this.#second.resolve(root)!.node;
    await this.#pair({ path: "/", before, after });
    const pending: Pair[] = [{ path: "", before, after }];
    for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) await this.#directories(pair, pending);
  }

  result(): FilesComparison {
    const differences = this.#differences.sort((a, b) => (a.Path < b.Path ? -1 : 1));
    return {
      ...this.#totals,
      touched: this.#touched,
      notCompared: this.#notCompared,
      differences,
      isTruncated: this.#isTruncated,
    };
  }

  /** Goes through both in the order of names. */
  async #directories({ path, before, after }: Pair, pending: Pair[]): Promise<void> {
    const left = this.#first.entries(before)[Symbol.iterator]();
    const right = this.#second.entries(after)[Symbol.iterator]();
    let a = left.next();
    let b = right.next();
    while (a.done !== true || b.done !== true) {
      await this.#turn();
      const order = a.done === true ? 1 : b.done === true ? -1 : compareNames(a.value, b.value);
      if (order < 0) await this.#only("removed", path, a.value as FileEntry);
      if (order > 0) await this.#only("added", path, b.value as FileEntry);
      if (order === 0) await this.#both(path, { before: a.value as FileEntry, after: b.value as FileEntry, pending });
      if (order <= 0) a = left.next();
      if (order >= 0) b = right.next();
    }
  }

  /** What is of another type is another file. */
  async #both(path: string, pair: { before: FileEntry; after: FileEntry; pending: Pair[] }): Promise<void> {
    const { before, after, pending } = pair;
    if (before.stat.type !== after.stat.type) {
      await this.#only("removed", path, before);
      await this.#only("added", path, after);
      return;
    }
    const names = { path: `${path}/${before.name}`, before: before.stat, after: after.stat };
    if (after.stat.type === "directory") pending.push(names);
    await this.#pair(names);
  }

  async #pair({ path, before, after }: Pair): Promise<void> {
    const what = await this.#whatDiffers(before, after);
    if (what.length > 0) {
      count(this.#totals.changed, after);
      const more = { What: what, BytesBefore: bytesOf(before) };
      this.#tell({ Kind: "changed", Path: path, Type: after.type, Bytes: bytesOf(after), Files: 1, ...more });
    } else if (after.type !== "directory" && !sameTime(before, after)) this.#touched++;
  }

  async #whatDiffers(before: FileStat, after: FileStat): Promise<ImageDifferenceKind[]> {
    const what: ImageDifferenceKind[] = [];
    if (after.type === "file" && (await this.#differs(before, after))) what.push("content");
    if (after.type === "symlink" && this.#first.readLink(before) !== this.#second.readLink(after)) what.push("target");
    if (before.major !== after.major || before.minor !== after.minor) what.push("device");
    if (before.mode !== after.mode) what.push("mode");
    if (before.uid !== after.uid || before.gid !== after.gid) what.push("owner");
    if (!sameXattrs(this.#first.xattrs(before), this.#second.xattrs(after))) what.push("attributes");
    return what;
  }

  /** Files that lie in the same place of a layer that both have are the same without a look at them. */
  async #differs(before: FileStat, after: FileStat): Promise<boolean> {
    if (before.size !== after.size) return true;
    if (samePlace(this.#placesOf(this.#first, before), this.#placesOf(this.#second, after))) return false;
    if (this.#comparedBytes + 2 * after.size > MAX_COMPARED_BYTES) {
      if (sameTime(before, after)) return false;
      this.#notCompared++;
      return true;
    }
    this.#comparedBytes += 2 * after.size;
    return !(await this.#sameContent(before, after));
  }

  async #sameContent(before: FileStat, after: FileStat): Promise<boolean> {
    const theirs = readContent(this.#second, after);
    const rest = new PieceReader(theirs);
    try {
      for await (const piece of readContent(this.#first, before)) {
        this.#signal.throwIfAborted();
        if (!(await rest.startsWith(piece))) return false;
      }
      return true;
    } finally {
      await theirs.return();
    }
  }

  *#placesOf(tree: FileTree, file: FileStat): Generator<string, void> {
    for (const { source, at, offset, size } of tree.extents(file))
      yield `${tree.sourcePath(source)} ${at} ${offset} ${size}`;
  }

  /** A whole tree that only one image has is one difference. */
  async #only(kind: "added" | "removed", parent: string, { name, stat }: FileEntry): Promise<void> {
    const path = `${parent}/${name}`;
    const totals = noTotals();
    count(totals, stat);
    if (stat.type === "directory") await this.#addUp(kind === "added" ? this.#second : this.#first, stat, totals);
    add(this.#totals[kind], totals);
    this.#tell({ Kind: kind, Path: path, Type: stat.type, Bytes: totals.Bytes, Files: totals.Files });
  }

  async #addUp(tree: FileTree, directory: FileStat, totals: Totals): Promise<void> {
    const pending = [directory];
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      for (const { stat } of tree.entries(each)) {
        await this.#turn();
        count(totals, stat);
        if (stat.type === "directory") pending.push(stat);
      }
    }
  }

  #tell(difference: ImageDifference): void {
    this.#pathBytes += difference.Path.length;
    if (this.#differences.length >= MAX_DIFFERENCES || this.#pathBytes > MAX_PATH_BYTES) this.#isTruncated = true;
    else this.#differences.push({ ...difference, Path: textOf(difference.Path as ByteString) });
  }

  #turn(): Promise<void> | undefined {
    return ++this.#names % NAMES_PER_TURN === 0 ? this.#rest() : undefined;
  }

  async #rest(): Promise<void> {
    await nextTurn();
    this.#signal.throwIfAborted();
  }
}

/** Compares what arrives in pieces of one size with what arrives in pieces of another. */
class PieceReader {
  readonly #source: AsyncGenerator<Uint8Array, void>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncGenerator<Uint8Array, void>) {
    this.#source = source;
  }

  /** Whether the bytes that come next are these; takes them. */
  async startsWith(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.byteLength; ) {
      if (this.#rest.byteLength === 0) this.#rest = (await this.#source.next()).value ?? new Uint8Array(0);
      const length = Math.min(this.#rest.byteLength, bytes.byteLength - at);
      if (length === 0) return false;
      if (Buffer.compare(this.#rest.subarray(0, length), bytes.subarray(at, at + length)) !== 0) return false;
      this.#rest = this.#rest.subarray(length);
      at += length;
    }
    return true;
  }
}

function samePlace(a: Iterator<string>, b: Iterator<string>): boolean {
  for (;;) {
    const [left, right] = [a.next(), b.next()];
    if (left.done !== right.done || left.value !== right.value) return false;
    if (left.done === true) return true;
  }
}

function sameTime(a: FileStat, b: FileStat): boolean {
  return a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}

function sameXattrs(a: ReadonlyMap<ByteString, Uint8Array>, b: ReadonlyMap<ByteString, Uint8Array>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([name, value]) => Buffer.compare(value, b.get(name) ?? MISSING) === 0);
}

const MISSING = Buffer.from("\0missing");

function compareNames(a: FileEntry, b: FileEntry): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

function bytesOf({ type, size }: FileStat): number {
  return type === "file" ? size : 0;
}

function noTotals(): Totals {
  return { Files: 0, Directories: 0, Bytes: 0 };
}

function count(totals: Totals, stat: FileStat): void {
  if (stat.type === "directory") totals.Directories++;
  else totals.Files++;
  totals.Bytes += bytesOf(stat);
}

function add(to: Totals, from: Totals): void {
  to.Files += from.Files;
  to.Directories += from.Directories;
  to.Bytes += from.Bytes;
}
