import { posix } from "node:path";
import { resolveUser } from "#core/runtime";
import {
  encodeDevice,
  encodeNumbers,
  encodeXattrs,
  FILE_TYPES,
  type HostOp,
  type HostPlan,
  type StreamPart,
} from "#executor";
import { decompress } from "#lib/compression";
import { EngineError } from "#lib/errors";
import { type ByteString, byteString, bytesOf, textOf } from "#lib/fs";
import { readTar, type TarEntry } from "#lib/tar";
import { absolute, isDirectory, isLink, located, resolvePath } from "./archive.ts";
import type { Container } from "./container.ts";
import type { PutArchiveOptions } from "./containers.ts";
import { type Context, emit } from "./context.ts";
import { cannotExtract, noExtractionPoint, readOnlyRoot, readOnlyVolume } from "./errors.ts";
import { withView } from "./view.ts";

/** Beyond this a passwd or group file is not read. */
const USER_FILE_LIMIT_BYTES = 1024 * 1024;

/** The verb `cp` inwards. The directory is found first: where it leads decides whether it may be written to. */
export async function putArchive(
  context: Context,
  reference: string,
  { path, ...options }: PutArchiveOptions & { readonly path: string },
): Promise<void> {
  const container = context.store.resolve(reference);
  const owner = options.chownToUser ? await userOf(context, container) : undefined;
  await located({ reference, path }, async () => {
    const directory = await extractionPoint(context, container, path);
    const placing = { ...options, directory, ...(owner && { owner }) };
    await withView(context, container.id, {
      mounts: true,
      writable: true,
      act: (ops) => send(context, ops, placing),
    });
  });
  emit(context, "extract-to-dir", context.store.get(container.id));
}

async function send({ executor }: Context, ops: readonly HostOp[], placing: Placing): Promise<void> {
  const plan: HostPlan = [...ops, { op: "receive", target: Buffer.from(placing.directory) }];
  try {
    await executor.send(plan, placed(placing));
  } catch (error) {
    if (!(error instanceof EngineError) || error.data.section !== "stream") throw error;
    if (error.data.errno === EISDIR || error.data.errno === ENOTDIR)
      throw cannotExtract(`${error.message} "${placing.directory}"`, error);
    throw error;
  }
}

const [ENOTDIR, EISDIR] = [20, 21];

/** The directory itself, links followed. */
async function extractionPoint(context: Context, container: Container, path: string): Promise<string> {
  const target = absolute(path);
  const found = await resolvePath(context, container.id, target);
  const { mode } = isLink(found.mode) ? await resolvePath(context, container.id, found.end) : found;
  if (!isDirectory(mode)) throw noExtractionPoint();
  refuseReadOnly(container, found.end);
  return found.end;
}

function refuseReadOnly({ mounts, hostConfig }: Container, path: string): void {
  const volume = mounts.find(({ Destination: destination = "/" }) => isBeneath(path, destination));
  if (volume?.RW === false) throw readOnlyVolume();
  if (!volume && hostConfig.ReadonlyRootfs) throw readOnlyRoot();
}

function isBeneath(path: string, directory: string): boolean {
  const relative = posix.relative(directory, path);
  return relative !== ".." && !relative.startsWith("../");
}

async function userOf({ snapshotter }: Context, { id, config }: Container): Promise<Owner | undefined> {
  if (!config.User) return undefined;
  const [passwd, group] = await Promise.all(
    ["/etc/passwd", "/etc/group"].map((path) => snapshotter.readFile(id, path, USER_FILE_LIMIT_BYTES)),
  );
  return resolveUser(config.User, { passwd, group });
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

type Placing = PutArchiveOptions & { readonly directory: string; readonly owner?: Owner };

/** The members of a tar as ops; the times of directories last, since what is put into them changes those. */
async function* placed({ tar, signal, ...placing }: Placing): AsyncGenerator<StreamPart> {
  const directories: { target: Uint8Array; entry: TarEntry }[] = [];
  for await (const { entry, body } of readTar(decompress(tar))) {
    signal?.throwIfAborted();
    const name = cleaned(entry.name);
    if (name === ".") continue;
    const target = bytesOf(name);
    yield placeOp(entry, target, placing);
    if (entry.type === "file") yield* body;
    if (entry.type === "directory") directories.push({ target, entry });
  }
  for (const { target, entry } of directories) {
    const { seconds, nanoseconds } = entry.modified;
    yield { op: "place-time", target, seconds: BigInt(seconds), nanoseconds };
  }
}

/** Relative to the directory. @throws `invalid-parameter` for a name that leads out of it */
function cleaned(name: ByteString): ByteString {
  const clean = posix.normalize(name).replace(/^\/+|\/+$/g, "");
  if (clean === ".." || clean.startsWith("../"))
    throw cannotExtract(`invalid entry name ${JSON.stringify(textOf(name))}`);
  return (clean === "" ? "." : clean) as ByteString;
}

function placeOp(entry: TarEntry, target: Uint8Array, { keepKinds, owner }: Omit<Placing, "tar">): StreamPart {
  if (entry.type === "link") return { op: "place-link", target, linkTo: bytesOf(linkTarget(entry)), keepKinds };
  return {
    op: "place",
    target,
    mode: FILE_TYPES[entry.type] | entry.mode,
    uid: owner?.uid ?? entry.uid,
    gid: owner?.gid ?? entry.gid,
    device: encodeDevice({ major: entry.deviceMajor, minor: entry.deviceMinor }),
    seconds: BigInt(entry.modified.seconds),
    nanoseconds: entry.modified.nanoseconds,
    linkTo: bytesOf(entry.type === "symlink" ? entry.linkName : byteString("")),
    size: BigInt(entry.size),
    pieces: piecesOf(entry),
    xattrs: encodeXattrs(entry.xattrs),
    keepKinds,
  };
}

/** Of a sparse file its pieces, else all of it: offset in the file, bytes. */
function piecesOf({ type, size, segments }: TarEntry): Uint8Array {
  if (type !== "file" || size === 0) return encodeNumbers([]);
  return encodeNumbers((segments ?? [{ offset: 0, size }]).flatMap((segment) => [segment.offset, segment.size]));
}

function linkTarget({ linkName }: TarEntry): ByteString {
  const clean = posix.normalize(linkName).replace(/^\/+/, "");
  if (clean === ".." || clean.startsWith("../"))
    throw cannotExtract(`invalid hardlink target ${JSON.stringify(textOf(linkName))}`);
  return clean as ByteString;
}
