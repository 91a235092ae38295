import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { decompress } from "./decompress.ts";
import { detectCompression } from "./detect.ts";
import { peek } from "./peek.ts";

const DATA = Buffer.concat([Buffer.alloc(1_000_000, "tug "), randomBytes(100_000)]);

/** A stream of pieces of a given size; notes when it was closed. */
async function* pieces(data: Uint8Array, size = 10_000, closed?: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (let at = 0; at < data.byteLength; at += size) yield data.subarray(at, at + size);
  } finally {
    closed?.();
  }
}

async function read(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(source));
}

function compressWith(program: string): Buffer {
  const result = Bun.spawnSync({ cmd: [program, "-c"], stdin: DATA });
  if (!result.success) throw new Error(`${program}: ${result.stderr}`);
  return result.stdout;
}

const COMPRESSED: ReadonlyArray<readonly [string, () => Buffer]> = [
  ["gzip", () => gzipSync(DATA)],
  ["zstd", () => zstdCompressSync(DATA, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
  ["xz", () => compressWith("xz")],
  ["bzip2", () => compressWith("bzip2")],
];

describe("decompress()", () => {
  test.each(COMPRESSED)("reads %s", async (format, make) => {
    const data = make();
    expect<string | undefined>(detectCompression(data)).toBe(format);
    expect((await read(decompress(pieces(data)))).equals(DATA)).toBe(true);
  });

  test.each(COMPRESSED)("refuses %s that is cut off", async (_format, make) => {
    const data = make();
    await expect(read(decompress(pieces(data.subarray(0, data.byteLength - 20))))).rejects.toMatchObject({
      kind: "invalid-parameter",
    });
  });

  test.each(COMPRESSED)("refuses %s that is broken", async (_format, make) => {
    const data = Buffer.from(make());
    const middle = data.byteLength >> 1;
    data.fill(0xaa, middle, middle + 200);
    await expect(read(decompress(pieces(data)))).rejects.toMatchObject({ kind: "invalid-parameter" });
  });

  test.each(COMPRESSED)("closes the source of %s when the reader leaves early", async (_format, make) => {
    const closed = Promise.withResolvers<void>();
    for await (const _ of decompress(pieces(make(), 100, closed.resolve))) break;
    await closed.promise;
  });

  test.each(COMPRESSED)("passes on what the source of %s throws", async (_format, make) => {
    const data = make();
    const failure = new Error("connection lost");
    async function* failing() {
      yield data.subarray(0, data.byteLength / 2);
      throw failure;
    }
    await expect(read(decompress(failing()))).rejects.toBe(failure);
  });

  test.each(COMPRESSED)("is done with a piece of %s when it asks for the next", async (_format, make) => {
    const data = make();
    const buffer = new Uint8Array(1000);
    async function* reused() {
      for (let at = 0; at < data.byteLength; at += buffer.byteLength) {
        const piece = data.subarray(at, at + buffer.byteLength);
        buffer.set(piece);
        yield buffer.subarray(0, piece.byteLength);
        buffer.fill(0);
      }
    }
    expect((await read(decompress(reused()))).equals(DATA)).toBe(true);
  });

  test("leaves alone what is not compressed", async () => {
    expect((await read(decompress(pieces(DATA)))).equals(DATA)).toBe(true);
    expect((await read(decompress(pieces(Buffer.from("x"))))).toString()).toBe("x");
    expect((await read(decompress(pieces(Buffer.alloc(0))))).byteLength).toBe(0);
  });

  test("reads gzip members and zstd frames one after another", async () => {
    const half = DATA.byteLength / 2;
    for (const compress of [gzipSync, zstdCompressSync]) {
      const parts = Buffer.concat([compress(DATA.subarray(0, half)), compress(DATA.subarray(half))]);
      expect((await read(decompress(pieces(parts)))).equals(DATA)).toBe(true);
    }
  });

  test("skips a frame of foreign data in zstd", async () => {
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
    const parts = Buffer.concat([skippable, zstdCompressSync(DATA), skippable]);
    expect((await read(decompress(pieces(parts)))).equals(DATA)).toBe(true);
  });

  test("a bomb is read piece by piece", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    let largest = 0;
    let total = 0;
    for await (const piece of decompress(pieces(bomb))) {
      largest = Math.max(largest, piece.byteLength);
      total += piece.byteLength;
    }
    expect(total).toBe(64 * 1024 * 1024);
    expect(largest).toBeLessThanOrEqual(1024 * 1024);
  });
});

describe("peek()", () => {
  test("shows the head and keeps the whole", async () => {
    const { head, stream } = await peek(pieces(Buffer.from("abcdef"), 1), 3);
    expect(head.toString()).toBe("abc");
    expect((await read(stream)).toString()).toBe("abcdef");
  });

  test("shows what there is of a short stream", async () => {
    const { head, stream } = await peek(pieces(Buffer.from("ab")), 5);
    expect(head.toString()).toBe("ab");
    expect((await read(stream)).toString()).toBe("ab");
  });
});
