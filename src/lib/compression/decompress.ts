import { spawn } from "node:child_process";
import type { Transform, Writable } from "node:stream";
import { createGunzip } from "node:zlib";
import { EngineError, messageOf } from "#lib/errors";
import { type CompressionFormat, detectCompression, MAGIC_BYTES } from "./detect.ts";
import { peek } from "./peek.ts";

/** Large pieces: a piece costs a turn through the thread pool. */
const PIECE_BYTES = 256 * 1024;
/** What a decompressor may take. `xz -9` needs 65 MiB; hostile headers ask for gigabytes. */
const MEMORY_LIMIT = "256MiB";

/** Formats that the runtime has no decoder for go through these programs, as in dockerd. */
const PROGRAMS = {
  xz: ["xz", "-dcq", `--memlimit-decompress=${MEMORY_LIMIT}`],
  bzip2: ["bzip2", "-dcq"],
} as const;

/**
 * The bytes of a stream without its compression, whichever of gzip, zstd, xz and bzip2 it is; as they are when it is
 * none. Memory stays bounded whatever the ratio; whoever reads bounds the length. A piece of the source may change once the next one is
 * asked for; those that come out do not.
 *
 * @throws `invalid-parameter` while reading, for data that is broken or cut off; `unavailable` when a program is missing
 */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { head, stream } = await peek(source, MAGIC_BYTES);
  const format = detectCompression(head);
  if (!format) {
    yield* stream;
    return;
  }
  // What the source itself throws is not the decompressor's failure and passes as it is.
  let sourceFailure: { error: unknown } | undefined;
  const input = watch(stream, (error) => {
    sourceFailure = { error };
  });
  try {
    yield* decode(format, input);
  } catch (error) {
    if (sourceFailure) throw sourceFailure.error;
    if (error instanceof EngineError) throw error;
    throw new EngineError("invalid-parameter", `decompress ${format}: ${messageOf(error)}`, { cause: error });
  }
}

function decode(format: CompressionFormat, input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (format === "gzip") return throughTransform(input, createGunzip({ chunkSize: PIECE_BYTES }));
  if (format === "zstd") return throughZstd(input);
  return throughProgram(input, PROGRAMS[format]);
}

async function* throughTransform(input: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  const pumped = feed(input, transform);
  // Its failure ends the transform too and is thrown from there.
  pumped.catch(() => undefined);
  yield* transform as AsyncIterable<Uint8Array>;
  await pumped;
}

/** Writes a stream, asking for each piece when the one before it is used up: its buffer may come again with other bytes. */
async function feed(input: AsyncIterable<Uint8Array>, target: Writable): Promise<void> {
  // It is told by the result.
  target.on("error", () => {});
  try {
    for await (const piece of input) {
      await new Promise<void>((resolve, reject) => {
        target.write(piece, (error) => (error ? reject(error) : resolve()));
      });
    }
    target.end();
  } catch (error) {
    target.destroy(error as Error);
    throw error;
  }
}

/** The web's stream: that of `node:zlib` takes a frame that is cut off for whole (Bun 1.4.5). */
async function* throughZstd(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = input[Symbol.asyncIterator]();
  const compressed = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const next = await source.next();
        if (next.done) controller.close();
        // A copy: nobody says when it is used up.
        else controller.enqueue(next.value.slice() as Uint8Array<ArrayBuffer>);
      },
      async cancel() {
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  yield* compressed.pipeThrough(new DecompressionStream("zstd"));
}

async function* throughProgram(
  input: AsyncIterable<Uint8Array>,
  command: readonly [string, ...string[]],
): AsyncGenerator<Uint8Array> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: {} });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", (error) => {
      reject(new EngineError("unavailable", `start "${program}" to decompress: ${messageOf(error)}`, { cause: error }));
    });
  });
  exited.catch(() => undefined);
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 1024);
  });
  const pumped = feed(input, child.stdin);
  pumped.catch(() => undefined);
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    if ((await exited) !== 0) throw new Error(complaint.trim() || "the data is broken");
    await pumped;
  } finally {
    child.kill("SIGKILL");
  }
}

async function* watch(source: AsyncIterable<Uint8Array>, failed: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    failed(error);
    throw error;
  }
}
