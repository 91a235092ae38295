import { afterEach, beforeEach, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, parseDigest } from "#api/oci";
import { type ContentStore, createContentStore, digestOf } from "./mod.ts";

let root: string;
let store: ContentStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tug-content-"));
  store = await createContentStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function* stream(...pieces: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

const files = async () => [...(await readdir(join(root, "sha256"))), ...(await readdir(join(root, "tmp")))];
const absent = parseDigest(`sha256:${"0".repeat(64)}`);

test("write() stores a stream under its digest", async () => {
  const { digest, size } = await store.write(stream("he", "", "llo"));
  expect({ digest, size }).toEqual({ digest: digestOf("hello"), size: 5 });
  expect(Buffer.from(await store.read(digest)).toString()).toBe("hello");
  expect(await store.list()).toEqual([digest]);
  expect(await store.size(digest)).toBe(5);
});

for (const [what, expected] of [
  ["another digest", { digest: absent }],
  ["another size", { size: 6 }],
] as const)
  test(`write() refuses ${what} and leaves nothing`, async () => {
    await expect(store.write(stream("hello"), expected)).rejects.toMatchObject({ kind: "invalid-parameter" });
    expect(await files()).toEqual([]);
  });

test("write() checks a blob that is there already, too", async () => {
  const digest = await store.put(Buffer.from("hello"));
  await expect(store.write(stream("other"), { digest })).rejects.toMatchObject({ kind: "invalid-parameter" });
  expect(await store.write(stream("hello"), { digest })).toEqual({ digest, size: 5 });
});

test("write() lets concurrent writers of one blob both succeed", async () => {
  const gate = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("he");
    await gate.promise;
    yield Buffer.from("llo");
  }
  const writers = [store.write(slow()), store.write(slow())];
  await store.write(stream("hello"));
  gate.resolve();
  expect((await Promise.all(writers)).map(({ digest }) => digest)).toEqual([digestOf("hello"), digestOf("hello")]);
  expect(await files()).toEqual([digestOf("hello").slice(7)]);
});

test("write() leaves nothing when its source fails, and passes the failure on", async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("he");
    throw new RangeError("connection lost");
  }
  await expect(store.write(failing())).rejects.toThrow(RangeError);
  expect(await files()).toEqual([]);
});

test("write() says that the disk is full and leaves nothing", async () => {
  const mount = join(root, "full");
  execFileSync("mkdir", [mount]);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tug-test", mount]);
  try {
    const small = await createContentStore(mount);
    const fullPieces = Array.from({ length: 16 }, () => "x".repeat(64 * 1024));
    await expect(small.write(stream(...fullPieces))).rejects.toMatchObject({
      kind: "unavailable",
      message: "write blob: no space left on device",
      data: { errno: "ENOSPC" },
    });
    expect(await readdir(join(mount, "tmp"))).toEqual([]);
    await small.put(Buffer.from("still fits"));
  } finally {
    execFileSync("umount", [mount]);
  }
});

test("read() refuses more than the limit", async () => {
  const digest = await store.put(Buffer.from("hello"));
  await expect(store.read(digest, 4)).rejects.toMatchObject({ kind: "invalid-parameter" });
  expect(await store.read(digest, 5)).toHaveLength(5);
});

test("absence is told apart", async () => {
  expect(await store.has(absent)).toBe(false);
  await expect(store.size(absent)).rejects.toMatchObject({ kind: "not-found" });
  await expect(store.read(absent)).rejects.toMatchObject({ kind: "not-found" });
  await store.remove(absent);
});

test("open() reads a range, its end included", async () => {
  const digest = await store.put(Buffer.from("hello"));
  const pieces: Buffer[] = [];
  for await (const piece of store.open(digest, { start: 1, end: 3 })) pieces.push(piece);
  expect(Buffer.concat(pieces).toString()).toBe("ell");
});

test("clean() removes what an interrupted writer left, and no blob", async () => {
  const digest = await store.put(Buffer.from("hello"));
  await writeFile(store.temporaryPath(), "half");
  await store.clean();
  expect(await files()).toEqual([digest.slice(7)]);
  await store.put(Buffer.from("more"));
});

test("collect() keeps what is leased or used", async () => {
  using lease = store.lease();
  const { digest } = await store.write(stream("leased"), { lease });
  expect(await store.collect(digest, () => false)).toBe(false);
  lease[Symbol.dispose]();
  expect(await store.collect(digest, () => true)).toBe(false);
  expect(await store.collect(digest, () => false)).toBe(true);
  expect(await store.has(digest)).toBe(false);
});

test("path() takes sha256 in lower case only", () => {
  for (const text of [
    "",
    "sha256:",
    "md5:d41d8cd98f00b204e9800998ecf8427e",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"0".repeat(64)}\n`,
    `sha512:${"0".repeat(128)}`,
    "sha256:../../../etc/passwd",
  ])
    expect(() => store.path(text as Digest)).toThrow("invalid digest");
});

async function written(text: string): Promise<string> {
  const path = store.temporaryPath();
  await writeFile(path, text);
  return path;
}

test("adopt() takes files in that were written already, and the lease has the blob", async () => {
  const digest = digestOf("hello");
  const lease = store.lease();
  await store.adopt({ path: await written("hello"), digest, sidecar: await written("about it") }, lease);
  expect(Buffer.from(await store.read(digest)).toString()).toBe("hello");
  expect(await Bun.file(store.sidecar(digest)).text()).toBe("about it");
  expect(await store.collect(digest, () => false)).toBe(false);
  lease[Symbol.dispose]();
  expect(await store.collect(digest, () => false)).toBe(true);
  expect(await Bun.file(store.sidecar(digest)).exists()).toBe(false);
});

test("adopt() leaves a blob alone that is there, and nothing of the other files", async () => {
  const digest = await store.put(Buffer.from("hello"));
  const before = await Bun.file(store.path(digest)).stat();
  using lease = store.lease();
  await store.adopt({ path: await written("hello"), digest, sidecar: await written("about it") }, lease);
  expect((await Bun.file(store.path(digest)).stat()).ino).toBe(before.ino);
  expect(await Bun.file(store.sidecar(digest)).exists()).toBe(false);
  expect(await files()).toEqual([digest.slice(7)]);
});

test("clean() removes what a crash left of sidecars, and no others", async () => {
  const digest = digestOf("hello");
  using lease = store.lease();
  await store.adopt({ path: await written("hello"), digest, sidecar: await written("kept") }, lease);
  await writeFile(store.sidecar(absent), "alone");
  await store.clean();
  expect(await readdir(join(root, "sidecars"))).toEqual([digest.slice(7)]);
});
