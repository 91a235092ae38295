/** Linux's opinion of the images that `#lib/erofs` writes: mounted, they are what our own reader says. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  constants,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DirectoryInode,
  type ErofsImage,
  type ErofsStat,
  type FileInode,
  type Inode,
  openErofs,
  writeErofs,
} from "#lib/erofs";
import { byteString, textOf } from "#lib/fs";
import { tarHeader } from "#lib/tar";
import { Mounter } from "./_testing.ts";

let folder: string;
let mounter: Mounter;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-kernel-"));
  mounter = await Mounter.start();
});
afterEach(async () => {
  await mounter[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const attributes = { mode: 0o644, uid: 0, gid: 0, seconds: 1000, nanoseconds: 5, xattrs: new Map() };
const directory = (children: Record<string, Inode>): DirectoryInode => ({
  ...attributes,
  mode: 0o755,
  type: "directory",
  children: new Map(Object.entries(children).map(([name, child]) => [byteString(name), child])),
});
const symlink = (target: string): Inode => ({ ...attributes, type: "symlink", target: byteString(target) });
const file = (size: number, data: Partial<FileInode["data"]> = {}): FileInode => ({
  ...attributes,
  type: "file",
  size,
  data: { source: 0, offset: 0, ...data },
});

/** Writes an image over one data file, and shows it both mounted and through our reader. */
async function withImage(
  root: DirectoryInode,
  data: string,
  look: (mounted: string, image: ErofsImage) => Promise<void>,
): Promise<void> {
  const [path, source] = [join(folder, "mount"), join(folder, "image")];
  await mkdir(path);
  await writeErofs(source, root, [{ path: data, sizeBytes: (await lstat(data)).size, tag: "data" }]);
  using image = openErofs(source, () => [data]);
  const mount = { type: "erofs", source, target: path, options: [`device=${data}`] } as const;
  await mounter.mounted({ shared: [mount], own: [], path }, (mounted) => look(mounted, image));
}

async function dataFile(bytes: Uint8Array): Promise<string> {
  const path = join(folder, "data");
  await writeFile(path, bytes);
  return path;
}

/** Compares every object below a directory. @returns how many there were */
async function compare(mounted: string, image: ErofsImage, at: ErofsStat): Promise<number> {
  const names = (await readdir(mounted)).sort();
  const entries = image.list(at);
  expect(names).toEqual(entries.map(({ name }) => textOf(name)).sort());
  let count = entries.length;
  for (const { name, stat } of entries) {
    const path = join(mounted, textOf(name));
    const real = await lstat(path);
    const { size, uid, gid, links, seconds, mode } = stat;
    expect({
      size: real.size,
      uid: real.uid,
      gid: real.gid,
      links: real.nlink,
      seconds: Math.floor(real.mtimeMs / 1000),
      mode: real.mode & 0o7777,
    }).toEqual({ size, uid, gid, links, seconds, mode });
    if (stat.type === "symlink") expect(await readlink(path)).toBe(textOf(image.readLink(stat)));
    if (stat.type === "file") expect((await readFile(path)).equals(image.read(stat))).toBe(true);
    if (stat.type === "directory") count += await compare(path, image, stat);
  }
  return count;
}

test("the kernel reads symlinks and names of every length", async () => {
  const lengths = Array.from({ length: 255 }, (_, i) => i + 1);
  const children = Object.fromEntries(lengths.map((length) => ["n".repeat(length), symlink("t".repeat(length * 16))]));
  await withImage(directory(children), await dataFile(Buffer.alloc(1)), async (mounted, image) => {
    expect(await compare(mounted, image, image.find(byteString("/"))!)).toBe(255);
  });
});

test("the kernel reads directories of every size around a block", async () => {
  const sizes = Array.from({ length: 80 }, (_, i) => i);
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`entry-${i}`, file(0)]));
  const root = directory(Object.fromEntries(sizes.map((size) => [`d${size}`, directory(entries(size))])));
  await withImage(root, await dataFile(Buffer.alloc(1)), async (mounted, image) => {
    expect(await compare(mounted, image, image.find(byteString("/"))!)).toBe(80 + (79 * 80) / 2);
  });
});

test("the kernel finds each of 100,000 names", async () => {
  const count = 100_000;
  const root = directory({
    big: directory(Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, file(0)]))),
  });
  await withImage(root, await dataFile(Buffer.alloc(1)), async (mounted) => {
    expect(await readdir(join(mounted, "big"))).toHaveLength(count);
    for (let i = 0; i < count; i += 997) expect((await lstat(join(mounted, `big/f${i}`))).isFile()).toBe(true);
    await expect(lstat(join(mounted, "big/f100000"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("the kernel reads sparse files whose pieces lie anywhere", async () => {
  const data = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => i % 251));
  const pieces = (...pairs: [number, number][]) => ({ segments: pairs.map(([offset, size]) => ({ offset, size })) });
  const root = directory({
    none: file(100_000, pieces()),
    aligned: file(65_536, pieces([4096, 8192], [32_768, 4096])),
    blocks: file(10_240, pieces([512, 512], [9728, 512])),
    odd: file(50_001, pieces([1, 1], [5000, 3000], [8191, 2], [49_999, 2])),
    packed: file(90_000, pieces([0, 100], [8192, 4096], [40_960, 20_480])),
    plain: file(150_001, { offset: 512 }),
  });
  await withImage(root, await dataFile(data), async (mounted, image) => {
    expect(await compare(mounted, image, image.find(byteString("/"))!)).toBe(6);
  });
});

test("the kernel reads the end of a file beyond 4 GiB, and of a tar that ends with it", async () => {
  const size = 5 * 2 ** 30 + 1;
  const data = await dataFile(Buffer.concat([tarHeader({ type: "file", name: byteString("f"), mode: 0o644, size })]));
  await truncate(data, 512 + size);
  await using tar = await open(data, "r+");
  await tar.write("!", 512 + size - 1);
  await withImage(directory({ f: file(size, { offset: 512 }) }), data, async (mounted) => {
    await using opened = await open(join(mounted, "f"), constants.O_RDONLY);
    expect((await opened.stat()).size).toBe(size);
    const { bytesRead, buffer } = await opened.read(Buffer.alloc(10), 0, 10, size - 3);
    expect([bytesRead, buffer.subarray(0, 3).toString()]).toEqual([3, "\0\0!"]);
  });
});
