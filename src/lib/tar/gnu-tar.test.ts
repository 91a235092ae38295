/** The reader against what GNU tar writes, and the writer against what GNU tar reads. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { closeSync, createReadStream, ftruncateSync, linkSync, openSync, statSync, writeSync } from "node:fs";
import {
  chmod,
  lstat,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "#fixtures";
import { byteString, byteStringFrom, textOf } from "#lib/fs";
import { readTar, scanTarFile, TAR_END, type TarEntry, tarArchive, tarHeader, tarPadding } from "./mod.ts";

let folder: string;
const tree = () => join(folder, "tree");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-tar-"));
  await makeTree(tree(), 20_251);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function makeTree(root: string, seed: number): Promise<void> {
  const next = seededRandom(seed);
  const name = (i: number) => `${["plain", "ünïcode", "sp ace", "new\nline", "n".repeat(90)][i % 5]}${i}`;
  await mkdir(root, { recursive: true });
  const directories = [root];
  for (let i = 0; i < 60; i++) {
    const path = join(directories[Math.floor(next() * directories.length)]!, name(i));
    const kind = next();
    if (kind < 0.3) {
      await mkdir(path);
      directories.push(path);
    } else if (kind < 0.4) await symlink("t".repeat(1 + Math.floor(next() * 250)), path);
    else await writeFile(path, "c".repeat(Math.floor(next() ** 4 * 100_000)));
    if (kind >= 0.3 && kind < 0.4) await lutimes(path, 1_500_000_000, 1_500_000_000);
    else await chmod(path, 0o700 | Math.floor(next() * 0o100));
  }
  await writeFile(join(root, "linked"), "one inode");
  linkSync(join(root, "linked"), join(root, "zz-link"));
  makeSparse(join(root, "sparse"));
}

/** Enough pieces that old GNU needs a header extension, and a hole at the end. */
function makeSparse(path: string): void {
  const fd = openSync(path, "w");
  for (let i = 0; i < 40; i++) writeSync(fd, `piece ${i}`, i * 65_536);
  ftruncateSync(fd, 41 * 65_536);
  closeSync(fd);
}

function archive(options: readonly string[]): string {
  const path = join(folder, `${options.join("")}.tar`);
  execFileSync("tar", ["-C", tree(), "-cf", path, "--numeric-owner", ...options, "."]);
  return path;
}

async function scan(path: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  await scanTarFile(path, (entry) => entries.push(entry));
  return entries;
}

async function names(root: string): Promise<string[]> {
  return ["./", ...(await readdir(root, { recursive: true })).map((name) => `./${name}`)]
    .map((name) => name.replace(/\/$/, ""))
    .sort();
}

/** A file put together from its pieces. */
async function content(path: string, entry: TarEntry): Promise<Buffer> {
  const stored = (await readFile(path)).subarray(entry.dataOffset, entry.dataOffset + entry.storedSize);
  const bytes = Buffer.alloc(entry.size);
  let at = 0;
  for (const { offset, size } of entry.segments ?? [{ offset: 0, size: entry.size }]) {
    stored.copy(bytes, offset, at, at + size);
    at += size;
  }
  return bytes;
}

const formats = [
  ["--format=gnu"],
  ["--format=posix"],
  ["--format=oldgnu", "--sparse"],
  ["--format=gnu", "--sparse"],
  ["--format=posix", "--sparse", "--sparse-version=0.0"],
  ["--format=posix", "--sparse", "--sparse-version=0.1"],
  ["--format=posix", "--sparse", "--sparse-version=1.0"],
];

for (const options of formats)
  test(`scanTarFile() reads what GNU tar writes with ${options.join(" ")}`, async () => {
    const path = archive(options);
    const entries = await scan(path);
    expect(entries.map(({ name }) => textOf(name).replace(/\/$/, "")).sort()).toEqual(await names(tree()));
    for (const entry of entries) await compare(path, entry);
  });

async function compare(path: string, entry: TarEntry): Promise<void> {
  const original = join(tree(), textOf(entry.name));
  const stat = await lstat(original);
  expect({ name: entry.name, mode: entry.mode, uid: entry.uid, gid: entry.gid }).toEqual({
    name: entry.name,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
  });
  expect(entry.modified.seconds).toBe(Math.floor(stat.mtimeMs / 1000));
  if (path.includes("posix")) expect(entry.modified.nanoseconds).toBe(Number(statNanoseconds(original)));
  if (entry.type === "file") expect((await content(path, entry)).equals(await readFile(original))).toBe(true);
  if (entry.type === "symlink") expect(textOf(entry.linkName)).toBe(await readlink(original));
  if (entry.type === "link") expect(statSync(join(tree(), textOf(entry.linkName))).ino).toBe(stat.ino);
}

function statNanoseconds(path: string): string {
  return execFileSync("stat", ["-c", "%y", path], { encoding: "utf8" }).replace(/^.*\.([0-9]{9}).*\n?$/s, "$1");
}

test("scanTarFile() reads sparse files as such", async () => {
  const entries = await scan(archive(["--format=posix", "--sparse"]));
  const sparse = entries.find(({ name }) => name === byteString("./sparse"));
  expect(sparse).toMatchObject({ type: "file", size: 41 * 65_536 });
  expect(sparse!.segments!.length).toBeGreaterThanOrEqual(40);
  expect(sparse!.storedSize).toBeLessThan(sparse!.size / 4);
});

test("readTar() gives each member its data, taken or not", async () => {
  const path = archive(["--format=gnu"]);
  for await (const { entry, body } of readTar(createReadStream(path, { highWaterMark: 1000 }))) {
    if (entry.type !== "file" || entry.size % 2 === 1) continue;
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(await readFile(join(tree(), textOf(entry.name))))).toBe(true);
  }
});

test("readTar() stops its source when its consumer stops", async () => {
  const stream = createReadStream(archive(["--format=gnu"]));
  for await (const _ of readTar(stream)) break;
  expect(stream.destroyed).toBe(true);
});

test("tarArchive() writes what GNU tar extracts", async () => {
  const long = `${"d".repeat(120)}/${"e".repeat(200)}/ünï`;
  const path = join(folder, "ours.tar");
  const modified = { seconds: 1_600_000_000, nanoseconds: 123_456_789 };
  await writeFile(
    path,
    tarArchive([
      { type: "directory", name: byteString("dir/"), mode: 0o1777 },
      { type: "file", name: byteString(long), mode: 0o640, content: "text", modified },
      { type: "symlink", name: byteString("link"), mode: 0o777, linkName: byteString("x".repeat(200)) },
      { type: "link", name: byteString("hard"), mode: 0o640, linkName: byteString(long) },
      { type: "fifo", name: byteStringFrom(Buffer.from("fifo")), mode: 0o600 },
    ]),
  );
  const out = join(folder, "out");
  await mkdir(out);
  execFileSync("tar", ["-C", out, "-xpf", path, "--no-same-owner"]);
  expect(await readFile(join(out, long), "utf8")).toBe("text");
  expect(statNanoseconds(join(out, long))).toBe("123456789");
  expect(await readlink(join(out, "link"))).toBe("x".repeat(200));
  expect(statSync(join(out, "hard")).ino).toBe(statSync(join(out, long)).ino);
  expect(statSync(join(out, "dir")).mode & 0o7777).toBe(0o1777);
  expect((await lstat(join(out, "fifo"))).isFIFO()).toBe(true);
});

test("tarArchive() keeps what only pax can say", async () => {
  const path = join(folder, "large.tar");
  const members = [
    { type: "file", name: byteString("a"), mode: 0o644, uid: 4_000_000_000, gid: 3_000_000, userName: "ü".repeat(40) },
    { type: "file", name: byteString("b"), mode: 0o644, modified: { seconds: -5, nanoseconds: 250_000_000 } },
  ] as const;
  await writeFile(path, tarArchive(members));
  expect(await scan(path)).toMatchObject([
    { uid: 4_000_000_000, gid: 3_000_000, userName: "ü".repeat(40) },
    members[1],
  ]);
  expect(execFileSync("tar", ["-tvf", path, "--numeric-owner"], { encoding: "utf8" })).toContain("4000000000/3000000");
});

test.each([
  [
    "in the middle and at the end",
    5_000_000,
    [
      [4096, 512],
      [999_936, 700],
    ],
  ],
  ["at the start", 10_000, [[8_704, 1000]]],
  ["alone", 4_000_000_000_000, []],
])("tarHeader() writes a sparse file with holes %s", async (_, size, pieces) => {
  const name = byteString(`${"d".repeat(120)}/sparse`);
  const segments = pieces.map(([offset = 0, length = 0]) => ({ offset, size: length }));
  const data = Buffer.concat(segments.map((segment, i) => Buffer.alloc(segment.size, i + 1)));
  const header = tarHeader({ type: "file", name, mode: 0o600, size, segments });
  const path = join(folder, "ours-sparse.tar");
  await writeFile(path, Buffer.concat([header, data, tarPadding(data.byteLength), TAR_END]));
  expect(await scan(path)).toMatchObject([{ name, size, segments, storedSize: data.byteLength, mode: 0o600 }]);
  const out = await mkdtemp(join(folder, "sparse-"));
  execFileSync("tar", ["-C", out, "-xpf", path, "--no-same-owner"]);
  expect(statSync(join(out, name)).size).toBe(size);
  for (const [i, segment] of segments.entries()) {
    const read = await Bun.file(join(out, name))
      .slice(segment.offset, segment.offset + segment.size)
      .bytes();
    expect(Buffer.from(read)).toEqual(Buffer.alloc(segment.size, i + 1));
  }
});
