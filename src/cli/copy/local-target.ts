import type { Stats } from "node:fs";
import { lstat, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { EngineError } from "#lib/errors";
import { fileError, isAbsent } from "#lib/fs";

/** What is copied: the last part of its path (`.` for what is in a directory) and whether it is a directory. */
export interface CopySource {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Where an archive is put. */
export interface CopyTarget {
  /** A directory that is there. */
  readonly directory: string;
  /** The archive's first name, and what it becomes. */
  readonly rename?: { readonly from: string; readonly to: string };
}

/**
 * Decides by Docker's rules where a copy goes: into a directory that is there, over a file, or under a new name in a
 * directory that is there.
 *
 * @throws EngineError `invalid-parameter`
 */
export async function localTarget(path: string, source: CopySource, cwd: string): Promise<CopyTarget> {
  const absolute = resolve(cwd, path);
  const wantsDirectory = /(^|\/)\.?$/.test(path);
  const found = await followed(absolute);
  if (found?.stats.isDirectory() === true) return { directory: found.path };
  if (found !== undefined) {
    if (wantsDirectory) throw invalid(`stat ${path}: not a directory`);
    if (source.isDirectory) throw invalid("cannot copy directory");
    return renamed(found.path, source);
  }
  const parent = dirname(absolute);
  if ((await followed(parent))?.stats.isDirectory() !== true) {
    throw invalid(`invalid output path: directory "${parent}" does not exist`);
  }
  if (wantsDirectory && !source.isDirectory) throw invalid("no such directory");
  return renamed(join(await realpath(parent), basename(absolute)), source);
}

function renamed(path: string, { name }: CopySource): CopyTarget {
  return { directory: dirname(path), rename: { from: name, to: basename(path) } };
}

/** What is at the end of symlinks; undefined when nothing is. */
async function followed(path: string): Promise<{ path: string; stats: Stats } | undefined> {
  try {
    return { path: await realpath(path), stats: await stat(path) };
  } catch (error) {
    if (!isAbsent(error)) throw fileError(`look at "${path}"`, error);
    if (await isSymlink(path)) throw invalid(`"${path}" is a symlink that leads nowhere`);
    return undefined;
  }
}

async function isSymlink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw fileError(`look at "${path}"`, error);
  }
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
