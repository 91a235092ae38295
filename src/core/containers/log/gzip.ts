/** Compressed files of a log: gzip files whose header holds, as the name of what is in them, the identity of the file they were. */
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createDeflateRaw, createGunzip } from "node:zlib";

/** Magic, deflate, a name follows, no time, no extra flags, unknown system (RFC 1952, 2.3). */
const HEAD = Buffer.of(0x1f, 0x8b, 8, 0x08, 0, 0, 0, 0, 0, 255);
/** Longer than any identity. */
const NAME_LIMIT_BYTES = 128;
/** Logs are written once and seldom read: most of what there is to gain is had cheaply. */
const LEVEL = 6;

/** Compresses a file into another one, which is whole when this resolves. */
export async function compressFile(paths: { from: string; to: string }, identity: string): Promise<void> {
  let checksum = 0;
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _, done) {
      checksum = crc32(chunk, checksum);
      size += chunk.length;
      done(null, chunk);
    },
  });
  const target = createWriteStream(paths.to, { mode: 0o640 });
  const framed = async function* (deflated: AsyncIterable<Buffer>) {
    yield Buffer.concat([HEAD, Buffer.from(`${identity}\0`)]);
    yield* deflated;
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(checksum);
    trailer.writeUInt32LE(size % 2 ** 32, 4);
    yield trailer;
  };
  await pipeline(createReadStream(paths.from), measure, createDeflateRaw({ level: LEVEL }), framed, target);
}

/** The identity that a compressed file holds; empty when it is none of ours. */
export async function identityInside(file: FileHandle): Promise<string> {
  const head = Buffer.alloc(HEAD.length + NAME_LIMIT_BYTES);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  const end = head.indexOf(0, HEAD.length);
  const isOurs = bytesRead > HEAD.length && head[3] === HEAD[3] && end > 0 && end < bytesRead;
  return isOurs ? head.toString("latin1", HEAD.length, end) : "";
}

/** What a compressed file holds, in a nameless file of the folder: it can be read at any offset, and is gone with its handle. */
export async function inflateBeside(file: FileHandle, folder: string): Promise<FileHandle> {
  const path = join(folder, `${crypto.randomUUID()}.inflated`);
  const plain = await open(path, "wx+", 0o600);
  try {
    await rm(path);
    let written = 0;
    await pipeline(chunksOf(file), createGunzip(), async (inflated: AsyncIterable<Buffer>) => {
      for await (const chunk of inflated) {
        await plain.write(chunk, 0, chunk.length, written);
        written += chunk.length;
      }
    });
    return plain;
  } catch (error) {
    await plain.close();
    throw error;
  }
}

const CHUNK_BYTES = 256 * 1024;

/** From the beginning; the handle stays open. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
    at += bytesRead;
  }
}
