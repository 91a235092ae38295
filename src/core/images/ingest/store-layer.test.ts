import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { parseDigest } from "#api/oci";
import { type ContentStore, createContentStore, digestOf } from "#core/content";
import { byteString } from "#lib/fs";
import { scanOutline, scanTarFile, type TarEntry, tarArchive } from "#lib/tar";
import { createLocalWorkers } from "#lib/workers";
import { inPieces } from "../_harness.ts";
import { type IncomingLayer, storeLayer } from "./store-layer.ts";

let root: string;
let content: ContentStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tug-ingest-"));
  content = await createContentStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const absent = parseDigest(`sha256:${"0".repeat(64)}`);

/** 300 files of 8 KiB, so that there is an outline. */
const TAR = tarArchive(
  Array.from({ length: 300 }, (_, i) => ({
    type: "file" as const,
    name: byteString(`dir/file-${i}`),
    mode: 0o644,
    content: createHash("sha512").update(String(i)).digest("hex").repeat(64),
  })),
);
const FILE_BYTES = 300 * 8192;

async function store(layer: IncomingLayer, signal = new AbortController().signal) {
  using lease = content.lease();
  return await storeLayer({ content, workers: createLocalWorkers() }, layer, { lease, signal });
}

const files = async () => {
  const names = await Promise.all(["sha256", "sidecars", "tmp"].map((folder) => readdir(join(root, folder))));
  return names.flat();
};

const skippable = (bytes: number) => {
  const frame = Buffer.alloc(8 + bytes, "z");
  frame.writeUInt32LE(0x184d2a50 + 7, 0);
  frame.writeUInt32LE(bytes, 4);
  return frame;
};

const half = TAR.byteLength / 2;
const FORMS: ReadonlyArray<readonly [string, string | undefined, Uint8Array]> = [
  ["a tar", undefined, TAR],
  ["a tar without its end mark", undefined, TAR.subarray(0, -1024)],
  ["gzip", "gzip", gzipSync(TAR)],
  ["gzip in several members", "gzip", Buffer.concat([gzipSync(TAR.subarray(0, half)), gzipSync(TAR.subarray(half))])],
  ["zstd", "zstd", zstdCompressSync(TAR, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
  [
    "zstd:chunked, frames with foreign data at the end",
    "zstd",
    Buffer.concat([zstdCompressSync(TAR.subarray(0, half)), zstdCompressSync(TAR.subarray(half)), skippable(5000)]),
  ],
  ["xz", "xz", Bun.spawnSync({ cmd: ["xz", "-0c"], stdin: TAR }).stdout],
  ["bzip2", "bzip2", Bun.spawnSync({ cmd: ["bzip2", "-1c"], stdin: TAR }).stdout],
];

describe("storeLayer()", () => {
  test.each(FORMS)("takes in %s", async (name, compression, bytes) => {
    const tar = name.includes("without") ? bytes : TAR;
    const stored = { digest: digestOf(bytes), size: bytes.byteLength };
    const layer = await store({ source: inPieces(bytes), stored, diffID: digestOf(tar) });
    expect(layer).toEqual({
      diffID: digestOf(tar),
      blobBytes: tar.byteLength,
      fileBytes: FILE_BYTES,
      stored: { ...stored, ...(compression ? { compression } : {}) },
    } as typeof layer);
    expect(Buffer.from(await content.read(layer.diffID)).equals(tar)).toBe(true);
    expect(await readdir(join(root, "tmp"))).toEqual([]);
  });

  test("keeps an outline that finds the same members as the tar", async () => {
    const { diffID, blobBytes } = await store({ source: inPieces(TAR) });
    const members: TarEntry[][] = [[], []];
    expect(await scanOutline(content.sidecar(diffID), blobBytes, (entry) => members[0]?.push(entry))).toBe(true);
    await scanTarFile(content.path(diffID), (entry) => members[1]?.push(entry));
    expect(members[0]).toHaveLength(300);
    expect(members[0]).toEqual(members[1] as TarEntry[]);
    await content.remove(diffID);
    expect(await files()).toEqual([]);
  });

  test("leaves a blob alone that is there already", async () => {
    const { diffID } = await store({ source: inPieces(TAR) });
    const before = await Bun.file(content.path(diffID)).stat();
    await store({ source: inPieces(gzipSync(TAR)) });
    expect((await Bun.file(content.path(diffID)).stat()).ino).toBe(before.ino);
  });

  const gzip = gzipSync(TAR);
  test.each<readonly [string, Uint8Array, Omit<IncomingLayer, "source">, string]>([
    [
      "another digest",
      gzip,
      { stored: { digest: absent, size: gzip.byteLength } },
      `verification failed for digest ${absent}`,
    ],
    ["another size", gzip, { stored: { digest: digestOf(gzip), size: 7 } }, `expected 7 bytes, got ${gzip.byteLength}`],
    ["another diffID", gzip, { diffID: absent }, `expected "${absent}"`],
    ["a cut gzip stream", gzip.subarray(0, -10), {}, "decompress gzip"],
    ["garbage after gzip", Buffer.concat([gzip, randomBytes(5000)]), {}, "decompress gzip"],
    ["garbage after zstd", Buffer.concat([zstdCompressSync(TAR), randomBytes(5000)]), {}, "decompress zstd"],
    ["a cut zstd stream", zstdCompressSync(TAR).subarray(0, -10), {}, "decompress zstd"],
    ["a cut tar", TAR.subarray(0, 100_000), {}, "unexpected end"],
    ["what is no tar", randomBytes(100_000), {}, "malformed tar"],
    ["a cut tar in gzip", gzipSync(TAR.subarray(0, 100_000)), {}, "unexpected end"],
  ])("refuses %s and leaves nothing", async (_, bytes, expected, message) => {
    const storing = store({ source: inPieces(bytes), ...expected });
    await expect(storing).rejects.toMatchObject({
      kind: "invalid-parameter",
      message: expect.stringContaining(message),
    });
    expect(await files()).toEqual([]);
  });

  test("leaves nothing when it is cancelled, or its source breaks", async () => {
    const abort = new AbortController();
    const cancelled = (async function* () {
      yield TAR.subarray(0, 100_000);
      abort.abort();
      yield TAR.subarray(100_000);
    })();
    await expect(store({ source: cancelled }, abort.signal)).rejects.toMatchObject({ kind: "canceled" });
    const failure = new Error("connection reset");
    const broken = (async function* () {
      yield gzip.subarray(0, 10_000);
      throw failure;
    })();
    await expect(store({ source: broken })).rejects.toBe(failure);
    expect(await files()).toEqual([]);
  });

  test("says that the disk is full and leaves nothing", async () => {
    const mount = join(root, "full");
    await mkdir(mount);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tug-test", mount]);
    try {
      content = await createContentStore(mount);
      for (const bytes of [TAR, gzip]) {
        await expect(store({ source: inPieces(bytes) })).rejects.toMatchObject({
          kind: "unavailable",
          message: "write layer: no space left on device",
        });
        expect(await readdir(join(mount, "tmp"))).toEqual([]);
      }
      expect((await store({ source: inPieces(tarArchive([])) })).blobBytes).toBe(1024);
    } finally {
      execFileSync("umount", [mount]);
    }
  });

  test("holds little of a bomb in memory, and stops where the caller stops", async () => {
    const bomb = Buffer.concat(Array(64).fill(gzipSync(Buffer.alloc(16 * 1024 * 1024))));
    const before = process.memoryUsage().rss;
    await expect(store({ source: inPieces(bomb), diffID: absent })).rejects.toMatchObject({
      kind: "invalid-parameter",
    });
    // The rest is what other tests of this process left to be collected.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
    expect(await files()).toEqual([]);
  });
});
