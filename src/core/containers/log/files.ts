/**
 * The files of a log, oldest first: `path.2.gz`, `path.1`, `path`. The monitor alone renames and removes them (`rotate` in
 * executor/src/log.c). What identifies a file stays the same when it is renamed, and when it is compressed.
 */
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { identityInside, inflateBeside } from "./gzip.ts";

/** One file of a log, held open: rotation may rename, compress or remove it meanwhile. */
export class LogFile {
  readonly identity: string;
  /** Of a compressed file, whose lines are had from a copy once somebody asks for them; undefined with a plain one. */
  readonly #folder: string | undefined;
  readonly #stored: FileHandle;
  #plain: Promise<FileHandle> | undefined;

  constructor(identity: string, stored: FileHandle, folder: string | undefined) {
    this.identity = identity;
    this.#stored = stored;
    this.#folder = folder;
  }

  get isCompressed(): boolean {
    return this.#folder !== undefined;
  }

  /** Offsets are those of the lines as they were written. */
  async read(into: Buffer, { at, length, from }: { at: number; length: number; from: number }): Promise<number> {
    return (await (await this.#lines()).read(into, at, length, from)).bytesRead;
  }

  async size(): Promise<number> {
    return (await (await this.#lines()).stat()).size;
  }

  async close(): Promise<void> {
    const plain = await this.#plain?.catch(() => undefined);
    await Promise.all([this.#stored.close(), plain?.close()]);
  }

  #lines(): Promise<FileHandle> {
    if (this.#folder === undefined) return Promise.resolve(this.#stored);
    this.#plain ??= inflateBeside(this.#stored, this.#folder);
    return this.#plain;
  }
}

type FileHandle = Awaited<ReturnType<typeof open>>;

/** All files of a log. */
export async function openLog(path: string): Promise<LogFile[]> {
  for (;;) {
    const current = await identityOf(path);
    const files = (await Promise.all((await storedPaths(path)).map(openFile))).filter((file) => file !== undefined);
    // Every rotation gives `path` a new identity: with the same one before and after, none came in between.
    if (files.at(-1)?.identity === current && (await identityOf(path)) === current) return await withoutTwins(files);
    await closeAll(files);
  }
}

/**
 * The file that comes after `file` in a log, which is the oldest without one or when rotation dropped that one. Undefined while
 * `file` is still the one being written.
 */
export async function openNext(path: string, file: LogFile | undefined): Promise<LogFile | undefined> {
  if ((await identityOf(path)) === file?.identity) return undefined;
  const files = await openLog(path);
  const index = files.findIndex((other) => other.identity === file?.identity);
  const next = files[index + 1];
  await closeAll(files.filter((other) => other !== next));
  return next;
}

export async function closeAll(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}

/** The rotated files that are not compressed, by their paths. */
export async function plainRotatedPaths(path: string): Promise<string[]> {
  return (await storedPaths(path)).filter((stored) => stored !== path && !stored.endsWith(".gz"));
}

/** What identifies a plain file: inodes are used again, but not with the same time of birth. Undefined when there is none. */
export async function identityOf(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && identityFrom(info);
}

function identityFrom({ ino, birthtimeNs }: { ino: bigint; birthtimeNs: bigint }): string {
  return `${ino}-${birthtimeNs}`;
}

async function storedPaths(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  const rotated = names.flatMap((name) => {
    const match = name.startsWith(prefix) ? /^(\d+)(\.gz)?$/.exec(name.slice(prefix.length)) : null;
    return match ? [{ path: join(dirname(path), name), number: Number(match[1]) }] : [];
  });
  return [...rotated.sort((a, b) => b.number - a.number).map((file) => file.path), path];
}

/** A crash may leave a file beside its compressed form. */
async function withoutTwins(files: readonly LogFile[]): Promise<LogFile[]> {
  const first = new Map(files.toReversed().map((file) => [file.identity, file]));
  const kept = files.filter((file) => first.get(file.identity) === file);
  await closeAll(files.filter((file) => !kept.includes(file)));
  return kept;
}

/** Undefined when it is gone: a container that wrote nothing has no log, and rotation removes files. */
async function openFile(path: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(path, "r");
    if (path.endsWith(".gz")) return new LogFile(await identityInside(handle), handle, dirname(path));
    return new LogFile(identityFrom(await handle.stat({ bigint: true })), handle, undefined);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
