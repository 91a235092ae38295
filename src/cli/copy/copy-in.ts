import { lstat, realpath } from "node:fs/promises";
import { posix, resolve } from "node:path";
import { isGoDirectory, isGoSymlink, type PathStat } from "#api/engine";
import { containers, type EngineClient } from "#client";
import { EngineError } from "#lib/errors";
import { fileError } from "#lib/fs";
import type { Context } from "../context.ts";
import { interruptible } from "../progress/transfer.ts";
import { ByteCount } from "./count-bytes.ts";
import { archiveLocal } from "./local-archive.ts";

export interface CopyIn {
  readonly engine: EngineClient;
  readonly container: string;
  /** A path of this machine, or `-` for a tar on stdin. */
  readonly source: string;
  /** A path of the container. */
  readonly target: string;
  /** A symlink at the end of the source stands for what it leads to. */
  readonly followLink: boolean;
  /** All that is copied belongs to the container's user. */
  readonly archive: boolean;
  readonly quiet: boolean;
}

/** Copies a path of this machine, or a tar from stdin, into a container. @throws EngineError `invalid-parameter` */
export async function copyIn({ io }: Context, options: CopyIn): Promise<void> {
  const { engine, container, source, target, quiet } = options;
  const destination = await findDestination(engine, container, target);
  if (source === "-" && !destination.isDirectory)
    throw invalid(`destination "${container}:${target}" must be a directory`);
  const { directory, tar } =
    source === "-"
      ? { directory: destination.path, tar: io.stdin.read() }
      : await prepare(await findSource(resolvedLocal(io.cwd, source), options), destination);
  const count = new ByteCount(io, "Copying to container", { quiet });
  const put = { copyUIDGID: options.archive, noOverwriteDirNonDir: true };
  try {
    await interruptible(io, (signal) =>
      containers.putArchive(engine, container, directory, { ...put, tar: count.of(tar), signal }),
    );
  } finally {
    count.clear();
  }
  if (quiet || !io.stdout.isTerminal) return;
  io.stderr.write(`Successfully copied ${count.text} to ${container}:${destination.path}\n`);
}

interface Destination {
  /** Links at its end followed. */
  readonly path: string;
  readonly exists: boolean;
  readonly isDirectory: boolean;
}

/** What cannot be looked at is not there: if that is wrong, the copy itself will tell. */
async function findDestination(engine: EngineClient, container: string, path: string): Promise<Destination> {
  const absent = (at: string): Destination => ({ path: at, exists: false, isDirectory: false });
  const asked = await statOf(engine, container, path);
  if (asked === undefined) return absent(path);
  const end = isGoSymlink(asked.mode) ? asked.linkTarget : path;
  const found = end === path ? asked : await statOf(engine, container, end);
  if (found === undefined) return absent(end);
  const isDirectory = isGoDirectory(found.mode);
  const isSpecial = !isDirectory && !isGoRegular(found.mode);
  if (isSpecial) throw invalid(`destination "${container}:${path}" must be a directory or a regular file`);
  return { path: end, exists: true, isDirectory };
}

async function statOf(engine: EngineClient, container: string, path: string): Promise<PathStat | undefined> {
  try {
    return await containers.statPath(engine, container, path);
  } catch (error) {
    if (error instanceof EngineError && error.kind !== "unavailable") return undefined;
    throw error;
  }
}

/** Nothing but permissions and the three special bits. */
function isGoRegular(mode: number): boolean {
  const types = mode - (mode % 2 ** 24);
  return types === 0 && Math.floor(mode / 2 ** 21) % 2 === 0;
}

interface Source {
  readonly path: string;
  /** What the names in the archive begin with: the last part of the path as it was typed, `.` for what is in a directory. */
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Absolute, with the slash or `/.` at its end that means something. */
function resolvedLocal(cwd: string, path: string): string {
  const absolute = resolve(cwd, path);
  const separated = absolute.endsWith("/") ? absolute : `${absolute}/`;
  if (posix.basename(path) === ".") return `${separated}.`;
  return path.endsWith("/") ? separated : absolute;
}

async function findSource(path: string, { followLink }: Pick<CopyIn, "followLink">): Promise<Source> {
  try {
    const asksForDirectory = path.endsWith("/") || path.endsWith("/.");
    const real =
      followLink || asksForDirectory
        ? await realpath(path)
        : posix.join(await realpath(posix.dirname(path)), posix.basename(path));
    const stats = await lstat(real);
    if (asksForDirectory && !stats.isDirectory()) throw invalid(`lstat ${path}: not a directory`);
    return { path: real, name: posix.basename(path) || "/", isDirectory: stats.isDirectory() };
  } catch (error) {
    throw fileError(`lstat ${path}`, error);
  }
}

/** Decides by Docker's rules where the copy goes and what it is called there. */
async function prepare(
  source: Source,
  destination: Destination,
): Promise<{ directory: string; tar: AsyncIterable<Uint8Array> }> {
  const into = (directory: string, name: string) => ({ directory, tar: archiveLocal(source.path, name) });
  const { path, exists, isDirectory } = destination;
  if (isDirectory) return into(path, source.name);
  if (exists && source.isDirectory) throw invalid("cannot copy directory");
  const asksForDirectory = path.endsWith("/") || posix.basename(path) === ".";
  if (!exists && !source.isDirectory && asksForDirectory) throw invalid("no such directory");
  const clean = posix.normalize(path).replace(/(.)\/$/, "$1");
  return into(posix.dirname(clean), posix.basename(clean));
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
