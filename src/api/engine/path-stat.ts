import { EngineError, messageOf } from "#lib/errors";

/** What `X-Docker-Container-Path-Stat` tells of a path, as base64 of this in JSON. */
export interface PathStat {
  /** The last part of the path that was asked for. */
  readonly name: string;
  readonly size: number;
  /** In the bits of Go's `os.FileMode`. */
  readonly mode: number;
  /** RFC 3339 with nanoseconds. */
  readonly mtime: string;
  /** Of a symlink the path that it leads to, else empty. */
  readonly linkTarget: string;
}

export const PATH_STAT_HEADER = "X-Docker-Container-Path-Stat";

export function encodePathStat(stat: PathStat): string {
  return Buffer.from(JSON.stringify(stat)).toString("base64");
}

/**
 * The document of a header.
 *
 * @throws EngineError `internal` when it is none
 */
export function decodePathStat(header: string | undefined): PathStat {
  try {
    const { name, size, mode, mtime, linkTarget } = JSON.parse(Buffer.from(header ?? "", "base64").toString());
    if (typeof name !== "string" || typeof mode !== "number") throw new Error("a field is missing");
    return { name, size: Number(size), mode, mtime: String(mtime), linkTarget: String(linkTarget ?? "") };
  } catch (cause) {
    throw new EngineError("internal", `the engine does not tell what the path is: ${messageOf(cause)}`, { cause });
  }
}

const S_IFMT = 0o170000;

const GO_DIRECTORY = 2 ** 31;
const GO_SYMLINK = 2 ** 27;
const GO_SETUID = 2 ** 23;
const GO_SETGID = 2 ** 22;
const GO_STICKY = 2 ** 20;

/** By the kernel's type (S_IFMT), what Go's `os.FileMode` has for it. */
const GO_TYPES: ReadonlyMap<number, number> = new Map([
  [0o040000, GO_DIRECTORY],
  [0o120000, GO_SYMLINK],
  [0o060000, 2 ** 26],
  [0o020000, 2 ** 26 + 2 ** 21],
  [0o010000, 2 ** 25],
  [0o140000, 2 ** 24],
]);

/** A mode as the kernel has it, type included, in the bits of Go's `os.FileMode`. */
export function goFileMode(mode: number): number {
  const special =
    ((mode & 0o4000) === 0 ? 0 : GO_SETUID) +
    ((mode & 0o2000) === 0 ? 0 : GO_SETGID) +
    ((mode & 0o1000) === 0 ? 0 : GO_STICKY);
  return (GO_TYPES.get(mode & S_IFMT) ?? 0) + special + (mode & 0o777);
}

/** Whether a mode in Go's bits is a directory's. */
export function isGoDirectory(mode: number): boolean {
  return (mode & GO_DIRECTORY) !== 0;
}

export function isGoSymlink(mode: number): boolean {
  return (mode & GO_SYMLINK) !== 0;
}
