import type { Stats } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink } from "node:fs/promises";
import { EngineError } from "#lib/errors";
import { type ByteString, byteString, byteStringFrom, bytesOf, fileError, isAbsent, textOf } from "#lib/fs";
import { type TarEntryType, TarPacker } from "#lib/tar";

/** Content is read in pieces of this size. */
const READ_BYTES = 1024 * 1024;

/**
 * A file or a directory of this machine as a tar, whose names begin with `name`. Links are kept as links; several names
 * of one file are one file. Owners are numbers. Sockets have no place in a tar and are left out.
 */
export async function* archiveLocal(path: string, name: string): AsyncGenerator<Uint8Array, void> {
  const packer = new TarPacker();
  const first = new Map<string, ByteString>();
  for await (const { path: at, name: entryName, stats } of walk(byteString(path), byteString(name))) {
    const type = typeOf(stats);
    if (type === undefined) continue;
    const identity = stats.nlink > 1 && type !== "directory" ? `${stats.dev}:${stats.ino}` : undefined;
    const known = identity && first.get(identity);
    if (identity && !known) first.set(identity, entryName);
    yield* packer.header({
      ...headerOf(stats, known ? "link" : type, entryName),
      linkName: known || (type === "symlink" ? byteStringFrom(await readlink(bytesOf(at), "buffer")) : NOTHING),
    });
    if (type === "file" && !known) yield* content(packer, at, stats.size);
  }
  yield* packer.end();
}

const NOTHING = "" as ByteString;

interface Entry {
  readonly path: ByteString;
  readonly name: ByteString;
  readonly stats: Stats;
}

/** Parents first, names in their order. What vanishes meanwhile is left out. */
async function* walk(path: ByteString, name: ByteString): AsyncGenerator<Entry, void> {
  const stats = await statOf(path);
  if (stats === undefined) return;
  yield { path, name, stats };
  if (!stats.isDirectory()) return;
  for (const child of (await readdir(bytesOf(path), "buffer")).map(byteStringFrom).sort())
    yield* walk(`${path}/${child}` as ByteString, `${name === "/" ? "" : name}/${child}` as ByteString);
}

async function statOf(path: ByteString): Promise<Stats | undefined> {
  try {
    return await lstat(bytesOf(path));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError(`look at "${textOf(path)}"`, error);
  }
}

function typeOf(stats: Stats): TarEntryType | undefined {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isBlockDevice()) return "block";
  return stats.isFIFO() ? "fifo" : undefined;
}

function headerOf(stats: Stats, type: TarEntryType, name: ByteString) {
  const isDevice = type === "character" || type === "block";
  return {
    type,
    name: (type === "directory" && !name.endsWith("/") ? `${name}/` : name) as ByteString,
    mode: stats.mode & 0o7777,
    size: type === "file" ? stats.size : 0,
    uid: stats.uid,
    gid: stats.gid,
    modified: { seconds: Math.floor(stats.mtimeMs / 1000), nanoseconds: 0 },
    ...(isDevice ? deviceNumbers(stats.rdev) : {}),
  };
}

/** As the C library packs them, which is beyond 32 bits. */
function deviceNumbers(device: number): { deviceMajor: number; deviceMinor: number } {
  const bits = BigInt(device);
  return {
    deviceMajor: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)),
    deviceMinor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)),
  };
}

async function* content(packer: TarPacker, path: ByteString, size: number): AsyncGenerator<Uint8Array, void> {
  await using file = await opened(path);
  for (let done = 0; done < size; ) {
    const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, size - done));
    const { bytesRead } = await file.read(piece, 0, piece.length, done);
    if (bytesRead === 0) throw new EngineError("conflict", `"${textOf(path)}" became shorter while it was read`);
    done += bytesRead;
    yield* packer.data(piece.subarray(0, bytesRead));
  }
  yield* packer.padding(size);
}

async function opened(path: ByteString): Promise<FileHandle> {
  try {
    return await open(bytesOf(path), "r");
  } catch (error) {
    throw fileError(`open "${textOf(path)}"`, error);
  }
}
