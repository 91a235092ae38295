/** What the writer writes, looked at with the reader. The kernel's opinion: `core/snapshots/kernel.test.ts`. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ByteString, byteString, textOf } from "#lib/fs";
import { type DirectoryInode, type ErofsImage, type FileInode, type Inode, openErofs, writeErofs } from "./mod.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-erofs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const attributes = { mode: 0o644, uid: 0, gid: 0, seconds: 1000, nanoseconds: 0, xattrs: new Map() };
const directory = (children: Record<string, Inode>, more: Partial<Inode> = {}) =>
  ({
    ...attributes,
    mode: 0o755,
    ...more,
    type: "directory",
    children: new Map(Object.entries(children).map(([name, child]) => [byteString(name), child])),
  }) as DirectoryInode;
const symlink = (target: string): Inode => ({ ...attributes, type: "symlink", target: byteString(target) });
const file = (size: number, data: Partial<FileInode["data"]> = {}, more: Partial<FileInode> = {}): FileInode => ({
  ...attributes,
  ...more,
  type: "file",
  size,
  data: { source: 0, offset: 0, ...data },
});

/** Writes an image whose data files have these contents, and opens it. */
async function imageOf(root: DirectoryInode, contents: readonly Uint8Array[] = []): Promise<ErofsImage> {
  const dataFiles = contents.map((content, i) => ({
    path: join(folder, `${i}`),
    sizeBytes: content.byteLength,
    tag: `tag${i}`,
  }));
  for (const [i, content] of contents.entries()) await writeFile(join(folder, `${i}`), content);
  await writeErofs(join(folder, "image"), root, dataFiles);
  return openErofs(join(folder, "image"), () => dataFiles.map(({ path }) => path));
}

/** Blocks of 512 bytes, each filled with its number. */
const blocks = (count: number) => Buffer.from(Uint8Array.from({ length: count * 512 }, (_, i) => i >> 9));

function names(image: ErofsImage, path = "/"): string[] {
  return image.list(image.find(byteString(path))!).map(({ name }) => textOf(name));
}

test("writeErofs() keeps every attribute, in compact and in extended inodes", async () => {
  const odd = { mode: 0o6711, uid: 70_000, gid: 4_000_000_000, seconds: -3, nanoseconds: 999_999_999 };
  using image = await imageOf(directory({ plain: file(0), odd: file(0, {}, odd) }));
  expect(image.find(byteString("/plain"))).toMatchObject({ type: "file", mode: 0o644, seconds: 1000, links: 1 });
  expect(image.find(byteString("/odd"))).toMatchObject(odd);
});

test("writeErofs() writes all types", async () => {
  const device = { ...attributes, type: "block", major: 259, minor: 70_000 } as const;
  const root = directory({ f: { ...attributes, type: "fifo" }, d: device, l: symlink("f"), e: directory({}) });
  using image = await imageOf(root);
  expect(image.find(byteString("f"))).toMatchObject({ type: "fifo" });
  expect(image.find(byteString("d"))).toMatchObject({ type: "block", major: 259, minor: 70_000 });
  expect(image.find(byteString("l"), { followLast: false })).toMatchObject({ type: "symlink", size: 1 });
  expect(names(image, "e")).toEqual([]);
});

test("writeErofs() counts links of files and directories", async () => {
  const linked = file(0);
  using image = await imageOf(directory({ a: linked, d: directory({ b: linked, e: directory({}) }) }));
  expect(image.find(byteString("/"))!.links).toBe(3);
  expect(image.find(byteString("/d"))!.links).toBe(3);
  expect(image.find(byteString("/a"))).toEqual(image.find(byteString("/d/b"))!);
  expect(image.find(byteString("/a"))!.links).toBe(2);
});

test("writeErofs() sorts names by bytes, dots among them", async () => {
  const unsorted = ["b", "-", "!", "ü", "a".repeat(255), "\u{1f600}", "\uffee", "..x", "B"];
  using image = await imageOf(directory(Object.fromEntries(unsorted.map((name) => [name, file(0)]))));
  expect(names(image)).toEqual(["!", "-", "..x", "B", "a".repeat(255), "b", "ü", "\uffee", "\u{1f600}"]);
  for (const name of unsorted) expect(image.find(byteString(name))).toBeDefined();
});

test("writeErofs() writes a directory of 100,000 names", async () => {
  const all = Array.from({ length: 100_000 }, (_, i) => `file-${i}`);
  using image = await imageOf(directory({ big: directory(Object.fromEntries(all.map((name) => [name, file(0)]))) }));
  expect(names(image, "big").toSorted()).toEqual(all.toSorted());
  for (const name of ["file-0", "file-50000", "file-99999"])
    expect(image.find(byteString(`big/${name}`))).toBeDefined();
  for (const name of ["a", "file-", "file-50000x", "z"]) expect(image.find(byteString(`big/${name}`))).toBeUndefined();
});

test("writeErofs() writes names and targets of every length", async () => {
  const lengths = Array.from({ length: 255 }, (_, i) => i + 1);
  const children = Object.fromEntries(lengths.map((length) => ["n".repeat(length), symlink("t".repeat(length * 16))]));
  using image = await imageOf(directory(children));
  expect(names(image)).toHaveLength(255);
  for (const length of lengths) {
    const link = image.find(byteString("n".repeat(length)), { followLast: false });
    expect(image.readLink(link!)).toBe(byteString("t".repeat(length * 16)));
  }
});

test("writeErofs() maps files to their data files", async () => {
  const root = directory({ a: file(700, { source: 0, offset: 512 }), b: file(5, { source: 1, offset: 1024 }) });
  using image = await imageOf(root, [blocks(4), Buffer.concat([Buffer.alloc(1024), Buffer.from("hello")])]);
  expect(image.tags).toEqual(["tag0", "tag1"]);
  expect([...image.read(image.find(byteString("a"))!)]).toEqual([...blocks(4).subarray(512, 1212)]);
  expect(Buffer.from(image.read(image.find(byteString("b"))!)).toString()).toBe("hello");
});

const sparse: readonly [what: string, size: number, segments: readonly [offset: number, size: number][]][] = [
  [
    "on block borders",
    65_536,
    [
      [4096, 8192],
      [32_768, 4096],
    ],
  ],
  ["up to an odd end", 10_000, [[8192, 1808]]],
  [
    "between blocks",
    10_000,
    [
      [100, 50],
      [700, 1],
      [5000, 3000],
    ],
  ],
  ["without any data", 5000, []],
  [
    "with a piece that starts between blocks in its tar",
    40_960,
    [
      [0, 100],
      [4096, 4096],
      [20_480, 20_480],
    ],
  ],
];

for (const [what, size, pairs] of sparse)
  test(`writeErofs() maps a sparse file with pieces ${what}`, async () => {
    const segments = pairs.map(([offset, length]) => ({ offset, size: length }));
    const data = Buffer.from(Uint8Array.from({ length: 64 * 512 }, (_, i) => i % 251));
    using image = await imageOf(directory({ f: file(size, { offset: 512, segments }) }), [data]);
    const expected = Buffer.alloc(size);
    let at = 512;
    for (const segment of segments) at += data.copy(expected, segment.offset, at, at + segment.size);
    expect(Buffer.from(image.read(image.find(byteString("f"))!)).equals(expected)).toBe(true);
  });

test("writeErofs() needs little for a huge sparse file", async () => {
  const size = 300 * 2 ** 30;
  const segments = [
    { offset: 4096, size: 4096 },
    { offset: size - 512, size: 512 },
  ];
  using image = await imageOf(directory({ lastlog: file(size, { segments }) }), [blocks(16)]);
  expect(image.find(byteString("lastlog"))).toMatchObject({ size });
  expect((await stat(join(folder, "image"))).blocks * 512).toBeLessThan(16 * 2 ** 20);
});

test("writeErofs() keeps extended attributes the kernel knows, and leaves out others", async () => {
  const xattrs = new Map<ByteString, Uint8Array>([
    [byteString("user.mime"), Buffer.from("text")],
    [byteString("security.capability"), Buffer.alloc(20, 7)],
    [byteString("system.posix_acl_access"), Buffer.alloc(28, 2)],
    [byteString("trusted.large"), Buffer.alloc(60_000, 1)],
    [byteString("com.apple.quarantine"), Buffer.from("x")],
    [byteString("user."), Buffer.from("x")],
  ]);
  using image = await imageOf(directory({ f: file(600, {}, { xattrs }), d: directory({ x: file(0) }, { xattrs }) }), [
    blocks(2),
  ]);
  xattrs.delete(byteString("com.apple.quarantine"));
  xattrs.delete(byteString("user."));
  for (const name of ["f", "d"]) {
    const kept = image.xattrs(image.find(byteString(name))!);
    expect([...kept].map(([key, value]) => `${key}=${Buffer.from(value).toString("hex")}`)).toEqual(
      [...xattrs].map(([key, value]) => `${key}=${Buffer.from(value).toString("hex")}`),
    );
  }
  expect(image.read(image.find(byteString("f"))!)).toHaveLength(600);
  expect(names(image, "d")).toEqual(["x"]);
});

test("writeErofs() refuses extended attributes beyond the format, and leaves no file", async () => {
  const xattrs = new Map(Array.from({ length: 5 }, (_, i) => [byteString(`user.${i}`), Buffer.alloc(60_000)]));
  await expect(imageOf(directory({ f: file(0, {}, { xattrs }) }))).rejects.toMatchObject({ kind: "invalid-parameter" });
  expect(await readdir(folder)).toEqual([]);
});

test("writeErofs() refuses a data file that is cut off, and leaves no file", async () => {
  const root = directory({ f: file(5000, { segments: [{ offset: 1, size: 4999 }] }) });
  await expect(imageOf(root, [blocks(1)])).rejects.toMatchObject({ kind: "invalid-parameter" });
  expect(await readdir(folder)).toEqual(["0"]);
});

test("writeErofs() makes the same image of the same tree", async () => {
  const root = directory({ a: file(9), b: directory({ c: symlink("x") }) });
  (await imageOf(root, [blocks(1)]))[Symbol.dispose]();
  const first = await readFile(join(folder, "image"));
  (await imageOf(root, [blocks(1)]))[Symbol.dispose]();
  expect((await readFile(join(folder, "image"))).equals(first)).toBe(true);
});

test("ErofsImage.find() follows symlinks within the root", async () => {
  const root = directory({
    a: directory({ f: file(0), up: symlink("../../../b"), abs: symlink("/b/g") }),
    b: directory({ g: file(7), back: symlink("../a/f") }),
    round: symlink("round"),
    dangling: symlink("nowhere"),
  });
  using image = await imageOf(root, [blocks(1)]);
  expect(image.find(byteString("/a/up/g"))).toMatchObject({ size: 7 });
  expect(image.find(byteString("/a/abs"))).toMatchObject({ size: 7 });
  expect(image.find(byteString("b/../../b/back"))).toEqual(image.find(byteString("a/f"))!);
  expect(image.find(byteString("dangling"))).toBeUndefined();
  expect(image.find(byteString("a/f/x"))).toBeUndefined();
  expect(() => image.find(byteString("round"))).toThrow("too many symlinks");
});

test("ErofsImage.totalSize() counts every file once", async () => {
  const linked = file(100);
  using image = await imageOf(directory({ a: linked, d: directory({ b: linked, c: file(11) }) }), [blocks(1)]);
  expect(image.totalSize()).toBe(111);
});

test("openErofs() refuses what is no image", async () => {
  await writeFile(join(folder, "other"), blocks(9));
  expect(() => openErofs(join(folder, "other"), () => [])).toThrow("corrupt superblock");
  expect(() => openErofs(join(folder, "absent"), () => [])).toThrow(expect.objectContaining({ kind: "not-found" }));
});
