import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** One file of a log, held open: rotation may rename or remove it meanwhile. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: number;
}

/** All files of a log, oldest first: `path.2`, `path.1`, `path`. */
export async function openLog(path: string): Promise<LogFile[]> {
  for (;;) {
    const current = await inodeOf(path);
    const files = (await Promise.all((await rotatedPaths(path)).map(openFile))).filter((file) => file !== undefined);
    // Every rotation gives `path` a new inode: with the same one before and after, none came in between.
    if (files.at(-1)?.inode === current && (await inodeOf(path)) === current) return files;
    await closeAll(files);
  }
}

/**
 * The file that comes after `file` in a log, which is the oldest without one or when rotation dropped that one. Undefined while
 * `file` is still the one being written.
 */
export async function openNext(path: string, file: LogFile | undefined): Promise<LogFile | undefined> {
  if ((await inodeOf(path)) === file?.inode) return undefined;
  const files = await openLog(path);
  const index = files.findIndex((other) => other.inode === file?.inode);
  const next = files[index + 1];
  await closeAll(files.filter((other) => other !== next));
  return next;
}

export async function closeAll(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.handle.close()));
}

async function rotatedPaths(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  const numbers = names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)));
  const rotated = numbers.sort((a, b) => b - a).map((number) => join(dirname(path), `${prefix}${number}`));
  return [...rotated, path];
}

async function inodeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.ino;
}

/** Undefined when it is gone: a container that wrote nothing has no log, and rotation removes files. */
async function openFile(path: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(path, "r");
    return { handle, inode: (await handle.stat()).ino };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
