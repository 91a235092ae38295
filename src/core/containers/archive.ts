import { posix } from "node:path";
import type { HostPlan } from "#executor";
import { EngineError } from "#lib/errors";
import { type ByteString, byteString } from "#lib/fs";
import { formatNano } from "#lib/time";
import type { ContainerID } from "./container.ts";
import type { PathArchive, PathStat } from "./containers.ts";
import { type Context, emit } from "./context.ts";
import { noSuchFile, notADirectory } from "./errors.ts";
import { tarOf } from "./export.ts";
import { ARCHIVED_XATTRS } from "./tree-tar.ts";
import { withView } from "./view.ts";
import { walkFiles } from "./walk-files.ts";

/** A path as `resolve` found it. */
export interface ResolvedPath {
  /** S_IFMT and permission bits; of a link its own. */
  readonly mode: number;
  readonly size: number;
  readonly modifiedAt: string;
  /** Where the path leads in the end, links followed. */
  readonly end: string;
}

export async function statPath(context: Context, reference: string, path: string): Promise<PathStat> {
  const { id } = context.store.resolve(reference);
  const target = absolute(path);
  const found = await located({ reference, path }, () => resolvePath(context, id, target));
  return { ...found, name: posix.basename(target) || "/", linkTarget: isLink(found.mode) ? found.end : "" };
}

/** The verb `cp` outwards. Below a name that ends in `/.` all names begin with a dot. */
export async function getArchive(
  context: Context,
  reference: string,
  { path, signal }: { readonly path: string; readonly signal?: AbortSignal },
): Promise<PathArchive> {
  const { id } = context.store.resolve(reference);
  const target = absolute(path);
  const options = { target, mounts: true, xattrs: ARCHIVED_XATTRS, ...(signal && { signal }) };
  const walk = await located({ reference, path }, () => walkFiles(context, id, options));
  const { first } = walk;
  const name = posix.basename(target) || "/";
  const stat: PathStat = {
    name,
    size: first.size,
    mode: first.mode,
    modifiedAt: timeOf(first),
    linkTarget: isLink(first.mode) ? (await resolvePath(context, id, target)).end : "",
  };
  emit(context, "archive-path", context.store.get(id));
  return { stat, tar: tarOf(walk, ({ path: below }) => join(byteString(name), below)) };
}

/** Looks a path up in a container's files, volumes and binds included. @throws what the executor does */
export async function resolvePath(context: Context, id: ContainerID, target: string): Promise<ResolvedPath> {
  const answer = await withView(context, id, {
    mounts: true,
    writable: false,
    act: async (ops) => {
      const plan: HostPlan = [...ops, { op: "resolve", target: Buffer.from(target) }];
      return (await context.executor.run(plan)).at(-1) ?? new Uint8Array(0);
    },
  });
  return readResolved(answer);
}

/** `num mode, big size, big seconds, num nanoseconds, text end`, little-endian. */
function readResolved(answer: Uint8Array): ResolvedPath {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  const seconds = Number(bytes.readBigInt64LE(12));
  return {
    mode: bytes.readUInt32LE(0),
    size: Number(bytes.readBigUInt64LE(4)),
    modifiedAt: timeOf({ seconds, nanoseconds: bytes.readUInt32LE(20) }),
    end: bytes.toString("utf8", 28, 28 + bytes.readUInt32LE(24)),
  };
}

/** Absolute and clean, but with the slash or `/.` at its end that asks for a directory. */
export function absolute(path: string): string {
  const clean = posix.resolve("/", path);
  const separated = clean === "/" ? clean : `${clean}/`;
  if (posix.basename(path) === ".") return `${separated}.`;
  return path.endsWith("/") ? separated : clean;
}

const [ENOENT, ENOTDIR] = [2, 20];

/** Says what a failed lookup means: that the path is not there, or leads through what is no directory. */
export async function located<T>(
  { reference, path }: { readonly reference: string; readonly path: string },
  look: () => Promise<T>,
): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.data.errno === ENOENT) throw noSuchFile(path, reference, error);
    if (error.data.errno === ENOTDIR) throw notADirectory(absolute(path), error);
    throw error;
  }
}

export function isLink(mode: number): boolean {
  return (mode & 0o170000) === 0o120000;
}

export function isDirectory(mode: number): boolean {
  return (mode & 0o170000) === 0o040000;
}

/** The years 1 to 9999, which is what RFC 3339 can say. */
const [FIRST_SECOND, LAST_SECOND] = [-62_135_596_800, 253_402_300_799];

function timeOf({ seconds, nanoseconds }: { seconds: number; nanoseconds: number }): string {
  const said = Math.min(Math.max(seconds, FIRST_SECOND), LAST_SECOND);
  return formatNano(BigInt(said) * 1_000_000_000n + BigInt(nanoseconds));
}

function join(name: ByteString, below: ByteString): ByteString {
  if (below === "") return name;
  return (name.endsWith("/") ? `${name}${below}` : `${name}/${below}`) as ByteString;
}
