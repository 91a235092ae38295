import { expect, test } from "bun:test";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseFilters } from "#core/events";
import { buildImage, layeredImage, tar } from "#fixtures";
import { gzip } from "./_fake-registry.ts";
import { CHAIN_BYTES, type Harness, makeHarness } from "./_harness.ts";

const NAME = "r.test/team/app";
const [BASE, TOP] = layeredImage("base:1").layers as [Uint8Array, Uint8Array];
const OWN = tar([{ name: "own", data: Buffer.alloc(20_000, 7) }]);

const specOf = (label: string, layers: Uint8Array[], architecture = "amd64") => ({
  layers,
  architecture,
  config: { Labels: { of: label } },
});

/** What the files of the content store take. */
async function bytesOnDisk({ folder }: Harness): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const stats = await Promise.all(names.map((name) => stat(join(folder, name))));
  return stats.filter((entry) => entry.isFile()).reduce((sum, { size }) => sum + size, 0);
}

async function pull(engine: Harness, reference: string, options = {}): Promise<void> {
  await Array.fromAsync(engine.images.pull(reference, options));
}

test("diskUsage(): what is unique, what is shared and the rest add up to what is on disk", async () => {
  await using engine = await makeHarness();
  const { registries } = engine;
  registries.putImage(NAME, buildImage(specOf("one", [BASE, TOP])), { tag: "1" });
  registries.putImage(NAME, buildImage(specOf("two", [BASE, OWN])), { tag: "2" });
  const platforms = ["amd64", "arm64"].map((architecture) => ({
    ...registries.putImage(NAME, buildImage(specOf("multi", [OWN], architecture))),
    platform: { os: "linux", architecture },
  }));
  registries.putIndex(NAME, platforms, "multi");
  for (const tag of ["1", "2"]) await pull(engine, `${NAME}:${tag}`);
  await pull(engine, `${NAME}:multi`, { allPlatforms: true });
  const { totalBytes, images } = await engine.images.diskUsage();
  const listed = await engine.images.list({ all: true, filters: parseFilters("") });
  expect(new Set(images.keys())).toEqual(new Set(listed.map((image) => image.id)));
  // Three chains: two images have the same.
  expect(totalBytes).toBe((await bytesOnDisk(engine)) + 3 * CHAIN_BYTES);
  const unique = [...images.values()].reduce((sum, { bytes, sharedBytes }) => sum + bytes - sharedBytes, 0);
  const index = registries.putIndex("elsewhere", platforms).size;
  expect(totalBytes - unique).toBe(BASE.byteLength + OWN.byteLength + index + CHAIN_BYTES);
  const [one] = listed.filter((image) => image.tags.includes(`${NAME}:1`));
  expect(images.get(one?.id as never)?.sharedBytes).toBe(BASE.byteLength);
});

test("diskUsage() counts what an interrupted pull left and what is kept for the next push, as nobody's", async () => {
  await using engine = await makeHarness();
  const { registries } = engine;
  registries.putImage(NAME, buildImage(specOf("broken", [BASE, TOP])), { tag: "1" });
  registries.of(NAME).blobs.delete(registries.putBlob("elsewhere", gzip(TOP).bytes, "").digest);
  await expect(pull(engine, `${NAME}:1`)).rejects.toThrow("blob unknown");
  expect(await engine.images.diskUsage()).toEqual({ totalBytes: await bytesOnDisk(engine), images: new Map() });
  await Array.fromAsync(engine.images.import([OWN] as never, { repository: NAME, tag: "own", changes: [] }));
  const before = await engine.images.diskUsage();
  await Array.fromAsync(engine.images.push(`${NAME}:own`, {}));
  const after = await engine.images.diskUsage();
  const unique = (usage: typeof after) => [...usage.images.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  expect(after.totalBytes - unique(after)).toBeGreaterThan(before.totalBytes - unique(before));
  expect(after.totalBytes).toBe((await bytesOnDisk(engine)) + CHAIN_BYTES);
});
