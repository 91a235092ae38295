import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";

/** What a path of the host is, symbolic links followed. */
export interface HostNode {
  readonly kind: "file" | "directory" | "char" | "block" | "fifo" | "socket";
  /** Of the device, for `char` and `block`; else 0. */
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The compiler's eyes on the host: kernel files, device nodes, sources of bind mounts. Tests give it a map of paths.
 * Nothing throws: what is absent or cannot be read is `undefined` or empty.
 */
export interface HostReader {
  readText(path: string): string | undefined;
  /** Names in a directory, sorted. */
  list(path: string): readonly string[];
  stat(path: string): HostNode | undefined;
  isLink(path: string): boolean;
}

/** The machine itself. */
export const hostReader: HostReader = {
  readText: (path) => orUndefined(() => readFileSync(path, "utf8")),
  list: (path) => orUndefined(() => readdirSync(path).sort()) ?? [],
  stat: (path) => orUndefined(() => statNode(path)),
  isLink: (path) => orUndefined(() => lstatSync(path).isSymbolicLink()) ?? false,
};

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The format bits of `st_mode` (inode(7)). */
const KINDS = new Map<number, HostNode["kind"]>([
  [0o010000, "fifo"],
  [0o020000, "char"],
  [0o040000, "directory"],
  [0o060000, "block"],
  [0o100000, "file"],
  [0o140000, "socket"],
]);

function statNode(path: string): HostNode | undefined {
  const found = statSync(path);
  const kind = KINDS.get(found.mode & 0o170000);
  if (!kind) return undefined;
  const { major, minor } = deviceNumbers(BigInt(found.rdev));
  return { kind, major, minor, mode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
}

/** Takes a `dev_t` of glibc's layout apart: MMMM Mmmm mmmM MMmm in hexadecimal digits. */
function deviceNumbers(device: bigint): { major: number; minor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
