/** Layers and archives that were changed at random: each comes in whole or is refused, and nothing else is left. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type ContentStore, createContentStore } from "#core/content";
import { buildLayerTree, type DiffID } from "#core/snapshots";
import { dockerArchive, layeredImage, ociIndex, seededRandom, tar } from "#fixtures";
import { writeErofs } from "#lib/erofs";
import { EngineError } from "#lib/errors";
import { byteString } from "#lib/fs";
import { tarArchive } from "#lib/tar";
import { createLocalWorkers } from "#lib/workers";
import { inPieces, makeHarness } from "../_harness.ts";
import { storeLayer } from "./store-layer.ts";

/** Other seeds find other things: TUG_TEST_SEED. */
const SEED = Number(process.env.TUG_TEST_SEED ?? 1);
const ROUNDS = 400;
/** Whatever the input, the whole of it takes no longer. */
const LIMIT_MS = 60_000;

const SPEC = layeredImage("fuzz:1");
const LAYER = tarArchive([
  { type: "directory", name: byteString("dir/"), mode: 0o755 },
  { type: "file", name: byteString(`dir/${"long".repeat(40)}`), mode: 0o4755, content: "x".repeat(3000) },
  {
    type: "file",
    name: byteString("with-attributes"),
    mode: 0o644,
    content: "y",
    xattrs: new Map([[byteString("user.a"), Buffer.from("b")]]),
    modified: { seconds: -5, nanoseconds: 7 },
  },
  { type: "symlink", name: byteString("link"), mode: 0o777, linkName: byteString("dir") },
  { type: "link", name: byteString("hard"), mode: 0o644, linkName: byteString("with-attributes") },
  { type: "character", name: byteString("null"), mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
]);

const LAYERS: ReadonlyArray<readonly [string, Uint8Array]> = [
  ["a tar", LAYER],
  ["gzip", gzipSync(LAYER)],
  ["zstd", zstdCompressSync(LAYER)],
];
const ARCHIVES: ReadonlyArray<readonly [string, Uint8Array]> = [
  ["a Docker archive", tar(dockerArchive([SPEC]))],
  ["an OCI layout", tar(ociIndex("docker.io/library/fuzz:1", [SPEC, { ...SPEC, architecture: "arm64" }]).members)],
];

let root: string;
let content: ContentStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tug-fuzz-"));
  content = await createContentStore(root);
});
afterAll(() => rm(root, { recursive: true }));

test.each(LAYERS)(
  "layers made from %s",
  async (_, bytes) => {
    const random = seededRandom(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const diffID = await tryLayer(mutate(bytes, random), random);
      expect(await readdir(join(root, "tmp")), `seed ${SEED}, round ${round}`).toEqual([]);
      if (diffID === undefined) continue;
      await tryIndex(diffID);
      await content.remove(diffID);
    }
    expect(await content.list()).toEqual([]);
  },
  LIMIT_MS,
);

test.each(ARCHIVES)(
  "archives made from %s",
  async (_, bytes) => {
    const random = seededRandom(SEED);
    await using engine = await makeHarness();
    for (let round = 0; round < ROUNDS / 4; round++) {
      const where = `seed ${SEED}, round ${round}`;
      await engine.load(mutate(bytes, random)).catch((error) => expect(error, where).toBeInstanceOf(EngineError));
      expect(await readdir(join(engine.folder, "tmp")), where).toEqual([]);
      for (const { id } of await engine.images.list({ all: true, filters: new Map() }))
        await engine.images.remove(id, { force: true, prune: true });
      for (const digest of await engine.content.list())
        await engine.content.collect(digest, () => engine.images.usesBlob(digest));
      expect(await engine.content.list(), where).toEqual([]);
    }
  },
  LIMIT_MS,
);

async function tryLayer(bytes: Uint8Array, random: () => number) {
  using lease = content.lease();
  try {
    const source = inPieces(bytes, 1 + Math.floor(random() * 5000));
    const signal = new AbortController().signal;
    return (await storeLayer({ content, workers: createLocalWorkers() }, { source }, { lease, signal })).diffID;
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    return undefined;
  }
}

/** What was taken in as a layer can be indexed, or is refused by then. */
async function tryIndex(diffID: DiffID): Promise<void> {
  const image = join(root, "image");
  try {
    const { root: tree } = await buildLayerTree(content, [diffID]);
    await writeErofs(image, tree, [{ path: content.path(diffID), sizeBytes: await content.size(diffID), tag: "fuzz" }]);
    await rm(image);
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
  }
  expect((await readdir(root)).sort()).toEqual(["sha256", "sidecars", "tmp"]);
}

/** A few changes: bytes, numbers of headers, pieces that go, come twice or change places, an end that is missing. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let changed: Buffer = Buffer.from(bytes);
  const at = (limit: number) => Math.floor(random() * limit);
  for (let count = 1 + at(4); count > 0; count--) {
    const from = at(changed.byteLength);
    const to = Math.min(changed.byteLength, from + at(2000));
    const kind = at(6);
    if (kind === 0) changed[from] = at(256);
    else if (kind === 1) changed.fill(at(256), from, Math.min(to, from + 12));
    else if (kind === 2) changed = Buffer.concat([changed.subarray(0, from), changed.subarray(to)]);
    else if (kind === 3) changed = Buffer.concat([changed.subarray(0, to), changed.subarray(from)]);
    else if (kind === 4) changed = changed.subarray(0, Math.max(from, 1));
    else changed = withChecksum(changed, 512 * at(changed.byteLength / 512), at);
  }
  return changed;
}

/** A header whose field says something else, and whose checksum is right. */
function withChecksum(bytes: Buffer, header: number, at: (limit: number) => number): Buffer {
  const block = bytes.subarray(header, header + 512);
  if (block.byteLength < 512) return bytes;
  const fields: ReadonlyArray<readonly [number, number]> = [
    [0, 100],
    [100, 8],
    [124, 12],
    [156, 1],
    [157, 100],
    [257, 8],
    [345, 155],
  ];
  const [offset, length] = fields[at(fields.length)] ?? [0, 1];
  for (let i = 0; i < length; i++) if (at(3) === 0) block[offset + i] = at(2) === 0 ? 0x30 + at(8) : at(256);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}
