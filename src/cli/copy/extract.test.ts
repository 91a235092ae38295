import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { byteString } from "#lib/fs";
import { TAR_END, type TarHeader, tarArchive, tarHeader } from "#lib/tar";
import { extractArchive } from "./extract.ts";
import { localTarget } from "./local-target.ts";

let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-extract-"));
  out = join(folder, "out");
  mkdirSync(out);
  writeFileSync(join(folder, "secret"), "untouched");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Member = Omit<Partial<TarHeader>, "name" | "linkName"> & { name: string; linkName?: string; content?: string };

const archiveOf = (...members: Member[]): Uint8Array =>
  tarArchive(
    members.map(({ name, linkName, ...more }) => ({
      type: "file",
      mode: 0o644,
      ...more,
      name: byteString(name),
      ...(linkName !== undefined && { linkName: byteString(linkName) }),
    })),
  );

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 700) yield bytes.subarray(at, at + 700);
}

async function extract(archive: Uint8Array, rename?: { from: string; to: string }): Promise<string[]> {
  const warnings: string[] = [];
  const options = { directory: out, ...(rename && { rename }), warn: (text: string) => warnings.push(text) };
  await extractArchive(stream(archive), options);
  return warnings;
}

test("extractArchive() makes files, directories, symlinks and hard links, with their modes and times", async () => {
  const modified = { seconds: 1_600_000_000, nanoseconds: 0 };
  await extract(
    archiveOf(
      { type: "directory", name: "d/", mode: 0o500, modified },
      { name: "d/file", content: "text", mode: 0o4750, modified },
      { type: "symlink", name: "d/link", linkName: "/etc/passwd" },
      { type: "link", name: "hard", linkName: "d/file" },
      { name: "deep/er/file", content: "x" },
    ),
  );
  expect(readFileSync(join(out, "d/file"), "utf8")).toBe("text");
  expect(lstatSync(join(out, "d/file")).mode & 0o7777).toBe(0o4750);
  expect(lstatSync(join(out, "d/file")).mtimeMs).toBe(1_600_000_000_000);
  expect(lstatSync(join(out, "d")).mode & 0o7777).toBe(0o500);
  expect(lstatSync(join(out, "d")).mtimeMs).toBe(1_600_000_000_000);
  expect(readlinkSync(join(out, "d/link"))).toBe("/etc/passwd");
  expect(lstatSync(join(out, "hard")).ino).toBe(lstatSync(join(out, "d/file")).ino);
  expect(readFileSync(join(out, "deep/er/file"), "utf8")).toBe("x");
});

test("extractArchive() replaces files, and puts files beside those in a directory", async () => {
  mkdirSync(join(out, "d"));
  writeFileSync(join(out, "d/kept"), "kept");
  writeFileSync(join(out, "d/old"), "old");
  symlinkSync(join(folder, "secret"), join(out, "d/link"));
  await extract(
    archiveOf(
      { type: "directory", name: "d/", mode: 0o755 },
      { name: "d/old", content: "new" },
      { name: "d/link", content: "mine" },
    ),
  );
  expect(readdirSync(join(out, "d")).sort()).toEqual(["kept", "link", "old"]);
  expect(readFileSync(join(out, "d/old"), "utf8")).toBe("new");
  expect(readFileSync(join(out, "d/link"), "utf8")).toBe("mine");
  expect(readFileSync(join(folder, "secret"), "utf8")).toBe("untouched");
});

test("extractArchive() keeps holes", async () => {
  const segments = [
    { offset: 512 * 10, size: 512 },
    { offset: 512 * 2000, size: 100 },
  ];
  const header = tarHeader({ type: "file", name: byteString("s"), mode: 0o600, size: 50_000_000, segments });
  await extract(Buffer.concat([header, Buffer.alloc(512, "a"), Buffer.alloc(100, "b"), Buffer.alloc(412), TAR_END]));
  const stats = lstatSync(join(out, "s"));
  expect([stats.size, stats.blocks < 200]).toEqual([50_000_000, true]);
  expect(
    await Bun.file(join(out, "s"))
      .slice(512 * 2000, 512 * 2000 + 101)
      .text(),
  ).toBe(`${"b".repeat(100)}\0`);
});

test("extractArchive() leaves devices and pipes out, and says so", async () => {
  const warnings = await extract(archiveOf({ type: "fifo", name: "pipe" }, { type: "character", name: "null" }));
  expect(warnings).toEqual([`"${out}/pipe" is left out: it is a fifo`, `"${out}/null" is left out: it is a character`]);
  expect(readdirSync(out)).toEqual([]);
});

test.each([
  [
    "etc",
    "copy",
    [
      { type: "directory", name: "etc/", mode: 0o755 },
      { name: "etc/a", content: "1" },
    ],
    ["copy", "copy/a"],
  ],
  [
    ".",
    "copy",
    [
      { type: "directory", name: "./", mode: 0o755 },
      { name: "./.a", content: "1" },
    ],
    ["copy", "copy/.a"],
  ],
  [
    "/",
    "copy",
    [
      { type: "directory", name: "/", mode: 0o755 },
      { name: "/bin/a", content: "1" },
    ],
    ["copy", "copy/bin", "copy/bin/a"],
  ],
] as [string, string, Member[], string[]][])(
  "extractArchive() renames %j to %j",
  async (from, to, members, expected) => {
    await extract(archiveOf(...members), { from, to });
    expect((readdirSync(out, { recursive: true }) as string[]).sort()).toEqual(expected);
  },
);

describe("extractArchive() does not leave its directory", () => {
  test.each([
    ["by dots", [{ name: "a/../../secret", content: "x" }]],
    [
      "by a symlink it made",
      [
        { type: "symlink", name: "up", linkName: ".." },
        { name: "up/secret", content: "x" },
      ],
    ],
    ["by a hard link", [{ type: "link", name: "mine", linkName: "../secret" }]],
    [
      "by a hard link through a symlink",
      [
        { type: "symlink", name: "up", linkName: ".." },
        { type: "link", name: "mine", linkName: "up/secret" },
      ],
    ],
    [
      "by a hard link to a symlink",
      [
        { type: "symlink", name: "up", linkName: "../secret" },
        { type: "link", name: "mine", linkName: "up" },
      ],
    ],
    ["by an absolute name", [{ name: "/../secret", content: "x" }]],
  ] as [string, Member[]][])("%s", async (_, members) => {
    await expect(extract(archiveOf(...members))).rejects.toMatchObject({ kind: "invalid-parameter" });
    expect(readFileSync(join(folder, "secret"), "utf8")).toBe("untouched");
    expect(existsSync(join(out, "mine"))).toBe(false);
  });

  test("nor follow a symlink that was there", async () => {
    symlinkSync(folder, join(out, "d"));
    await expect(extract(archiveOf({ name: "d/secret", content: "x" }))).rejects.toThrow("it is no directory");
    expect(readFileSync(join(folder, "secret"), "utf8")).toBe("untouched");
  });

  test("nor take what is not part of what was asked for", async () => {
    await expect(extract(archiveOf({ name: "etcetera", content: "x" }), { from: "etc", to: "copy" })).rejects.toThrow(
      "not part of",
    );
    expect(readdirSync(out)).toEqual([]);
  });
});

test.each([
  ["a directory by a file", [{ name: "d", content: "x" }], "cannot overwrite directory"],
  ["a file by a directory", [{ type: "directory", name: "f/", mode: 0o755 }], "cannot overwrite non-directory"],
] as [string, Member[], string][])("extractArchive() does not replace %s", async (_, members, message) => {
  mkdirSync(join(out, "d"));
  writeFileSync(join(out, "f"), "");
  await expect(extract(archiveOf(...members))).rejects.toThrow(message);
});

describe("localTarget()", () => {
  const file = { name: "passwd", isDirectory: false };
  const directory = { name: "etc", isDirectory: true };

  test("goes into a directory that is there, behind a symlink too", async () => {
    symlinkSync(out, join(folder, "link"));
    for (const path of ["out", "out/", "link", join(folder, "link/.")])
      expect(await localTarget(path, file, folder)).toEqual({ directory: out });
  });

  test("takes the name of a file that is there, or of nothing yet", async () => {
    symlinkSync("secret", join(folder, "link"));
    const renamed = (to: string, from: string) => ({ directory: folder, rename: { from, to } });
    expect(await localTarget("secret", file, folder)).toEqual(renamed("secret", "passwd"));
    expect(await localTarget("link", file, folder)).toEqual(renamed("secret", "passwd"));
    expect(await localTarget("new", file, folder)).toEqual(renamed("new", "passwd"));
    expect(await localTarget("new/", directory, folder)).toEqual(renamed("new", "etc"));
  });

  test.each([
    ["secret", directory, "cannot copy directory"],
    ["secret/", file, "stat secret/: not a directory"],
    ["new/", file, "no such directory"],
    ["no/where/x", file, `/no/where" does not exist`],
    ["dangling", file, "is a symlink that leads nowhere"],
  ])("refuses %s", async (path, source, message) => {
    symlinkSync("nothing", join(folder, "dangling"));
    await expect(localTarget(path, source, folder)).rejects.toThrow(message);
  });
});
