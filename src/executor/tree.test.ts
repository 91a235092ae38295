/** Trees as `walk` sends them and `receive` makes them, by the executor itself. Needs root. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type ByteString, byteString } from "#lib/fs";
import { failure, Lab } from "./_lab.ts";
import type { StreamPart } from "./executor.ts";
import type { HostOp, StreamOp } from "./ops.ts";
import type { TreeEntry } from "./tree.ts";

let lab: Lab;
let folder: string;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => {
  folder = mkdtempSync(lab.path("tree-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);

type Walk = Extract<HostOp, { op: "walk" }>;
type Seen = Omit<TreeEntry, "content"> & { readonly bytes: Buffer };

function walkOp(options: Partial<Omit<Walk, "op" | "target">> & { target?: string } = {}): Walk {
  const { target = "/", ...rest } = options;
  return {
    op: "walk",
    root: folder,
    below: "",
    opaque: "",
    all: false,
    changed: false,
    brief: false,
    content: true,
    xattrs: [],
    ...rest,
    target: Buffer.from(target),
  };
}

async function walk(options: Parameters<typeof walkOp>[0] = {}): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  for await (const { content, ...entry } of lab.executor.walk([walkOp(options)])) {
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(piece.slice());
    seen.set(entry.path, { ...entry, bytes: Buffer.concat(pieces) });
  }
  return seen;
}

function place(target: string, options: Partial<Extract<StreamOp, { op: "place" }>> = {}): StreamOp {
  const attributes = { uid: 0, gid: 0, device: 0, seconds: 1_000_000_000n, nanoseconds: 5 };
  return {
    op: "place",
    target: Buffer.from(target),
    mode: 0o100644,
    ...attributes,
    linkTo: new Uint8Array(0),
    size: 0n,
    pieces: new Uint8Array(0),
    xattrs: new Uint8Array(0),
    keepKinds: false,
    ...options,
  };
}

const placeLink = (target: string, linkTo: string): StreamOp => ({
  op: "place-link",
  target: Buffer.from(target),
  linkTo: Buffer.from(linkTo),
  keepKinds: false,
});

function pieces(...pairs: [offset: number, size: number][]): Uint8Array {
  return Buffer.concat(
    pairs.flat().map((number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(number));
      return bytes;
    }),
  );
}

/** A file with content, and that content. */
const file = (target: string, data: string, options: Partial<Extract<StreamOp, { op: "place" }>> = {}) => [
  place(target, { size: BigInt(data.length), pieces: pieces([0, data.length]), ...options }),
  Buffer.from(data),
];

async function send(parts: Iterable<StreamPart>, target = "/"): Promise<void> {
  const stream = (async function* () {
    yield* parts;
  })();
  await lab.executor.send(
    [
      { op: "root", path: folder },
      { op: "receive", target: Buffer.from(target) },
    ],
    stream,
  );
}

describe("walk", () => {
  test("sends each entry before what is in it, in the order of names, with all attributes", async () => {
    mkdirSync(path("b"));
    chmodSync(path("b"), 0o2750);
    writeFileSync(path("b/file"), "content");
    lchownSync(path("b/file"), 1000, 1001);
    chmodSync(path("b/file"), 0o4711);
    utimesSync(path("b/file"), 5, 1_234_567_890.5);
    symlinkSync("../nowhere", path("a"));
    execFileSync("mknod", [path("c"), "c", "1", "3"]);
    execFileSync("mkfifo", [path("d")]);
    const seen = await walk();
    expect([...seen.keys()]).toEqual(["", "a", "b", "b/file", "c", "d"]);
    expect(seen.get("a")).toMatchObject({ linkTo: byteString("../nowhere"), size: 10 });
    expect(seen.get("b")).toMatchObject({ mode: 0o42750 });
    expect(seen.get("b/file")).toMatchObject({
      mode: 0o104711,
      uid: 1000,
      gid: 1001,
      size: 7,
      seconds: 1_234_567_890,
      nanoseconds: 500_000_000,
      identity: "",
      bytes: Buffer.from("content"),
    });
    expect(seen.get("c")).toMatchObject({ deviceMajor: 1, deviceMinor: 3 });
    expect(seen.get("d")!.mode & 0o170000).toBe(0o010000);
  });

  test("sends large files and sparse ones byte by byte", async () => {
    const large = Buffer.alloc(3_000_001, "0123456789abc");
    writeFileSync(path("large"), large);
    writeFileSync(path("sparse"), "head");
    truncateSync(path("sparse"), 1_000_000);
    const seen = await walk();
    expect(Buffer.compare(seen.get("large")!.bytes, large)).toBe(0);
    expect(Buffer.compare(seen.get("sparse")!.bytes, Buffer.concat([Buffer.from("head"), Buffer.alloc(999_996)]))).toBe(
      0,
    );
  });

  test("skips the content that nobody reads", async () => {
    writeFileSync(path("a"), Buffer.alloc(500_000));
    writeFileSync(path("b"), "b");
    const names: string[] = [];
    for await (const entry of lab.executor.walk([walkOp()])) names.push(entry.path);
    expect(names).toEqual(["", "a", "b"]);
  });

  test("names what has several names", async () => {
    writeFileSync(path("one"), "1");
    linkSync(path("one"), path("two"));
    const seen = await walk();
    expect(seen.get("one")!.identity).not.toBe("");
    expect(seen.get("one")!.identity).toBe(seen.get("two")!.identity);
  });

  test("sends the attributes that were asked for", async () => {
    writeFileSync(path("f"), "");
    execFileSync("python3", ["-c", SET_XATTRS, path("f")]);
    const { xattrs } = (await walk({ xattrs: ["user.", "security.capability"] })).get("f")!;
    expect([...xattrs]).toEqual([["user.colour" as ByteString, new Uint8Array(Buffer.from("red"))]]);
  });

  test("begins at a link itself, and at nothing with ENOENT", async () => {
    symlinkSync("/etc/passwd", path("link"));
    expect([...(await walk({ target: "/link" })).values()]).toMatchObject([
      { path: "", linkTo: byteString("/etc/passwd") },
    ]);
    expect((await failure(walk({ target: "/none" }))).data).toMatchObject({ errno: 2 });
  });

  test("reaches nothing beyond its root", async () => {
    symlinkSync("/", path("up"));
    writeFileSync(path("inside"), "x");
    for (const target of ["/../../../inside", "/up/inside", "/up/../up/inside"])
      expect([...(await walk({ target })).values()]).toMatchObject([{ path: "", bytes: Buffer.from("x") }]);
  });

  test("compares with a tree below", async () => {
    const below = mkdtempSync(lab.path("below-"));
    for (const root of [folder, below]) {
      mkdirSync(join(root, "dir"));
      for (const name of ["same", "longer", "mode", "dir/x"]) {
        writeFileSync(join(root, name), name);
        utimesSync(join(root, name), 1, 1);
      }
    }
    writeFileSync(path("longer"), "longer than that");
    chmodSync(path("mode"), 0o600);
    writeFileSync(path("new"), "");
    writeFileSync(join(below, "gone"), "");
    writeFileSync(join(below, "dir/gone"), "");
    const compared = async (options: { all: boolean; changed: boolean }) =>
      [...(await walk({ below, ...options })).values()].map(({ path, below, mode }) => [
        path,
        mode === 0 ? "gone" : below,
      ]);
    expect(await compared({ all: false, changed: true })).toEqual([
      ["", "same"],
      ["dir", "same"],
      ["longer", "different"],
      ["mode", "different"],
      ["new", "absent"],
    ]);
    expect(await compared({ all: true, changed: false })).toEqual([
      ["", "same"],
      ["dir", "same"],
      ["dir/gone", "gone"],
      ["dir/x", "same"],
      ["gone", "gone"],
      ["longer", "different"],
      ["mode", "different"],
      ["new", "absent"],
      ["same", "same"],
    ]);
    rmSync(below, { recursive: true });
  });

  test("tells of what is in new directories its type only, when it is to be brief", async () => {
    const below = mkdtempSync(lab.path("below-"));
    mkdirSync(path("new"));
    writeFileSync(path("new/file"), "content");
    symlinkSync("x", path("new/link"));
    mkdirSync(path("new/dir"), { mode: 0o700 });
    writeFileSync(path("file"), "content");
    const seen = await walk({ below, brief: true, content: false });
    const told = (name: string) => [seen.get(name)!.mode.toString(8), seen.get(name)!.size];
    expect(told("new/file")).toEqual(["100000", 0]);
    expect(seen.get("new/link")!.mode).toBe(0o120000);
    expect(seen.get("new/dir")!.mode).toBe(0o040700);
    expect(told("file")).toEqual(["100644", 7]);
    rmSync(below, { recursive: true });
  });

  test("refuses what is nested deeper than a path can say", async () => {
    execFileSync("python3", ["-c", NEST, folder]);
    expect((await failure(walk())).data).toMatchObject({ errno: 36 });
    await lab.executor.run([{ op: "remove-tree", path: folder }]);
  });

  test("ends when nobody listens any more", async () => {
    for (let i = 0; i < 2000; i++) writeFileSync(path(`f${i}`), Buffer.alloc(2000));
    for await (const entry of lab.executor.walk([walkOp()])) if (entry.path !== "") break;
    expect(readdirSync(lab.path("sockets"))).toEqual([]);
  });
});

describe("receive", () => {
  test("makes files, directories, links, devices and fifos with all attributes", async () => {
    await send([
      place("d", { mode: 0o041777, uid: 5, gid: 6 }),
      ...file("d/f", "hello", { mode: 0o104755, uid: 7, gid: 8 }),
      placeLink("d/l", "d/f"),
      place("s", { mode: 0o120777, linkTo: Buffer.from("/etc/passwd"), uid: 9 }),
      place("c", { mode: 0o020666, device: 0x103 }),
      place("p", { mode: 0o010644 }),
      { op: "place-time", target: Buffer.from("d"), seconds: 77n, nanoseconds: 0 },
    ]);
    expect(lstatSync(path("d"))).toMatchObject({ mode: 0o041777, uid: 5, gid: 6, mtimeMs: 77_000 });
    expect(lstatSync(path("d/f"))).toMatchObject({
      mode: 0o104755,
      uid: 7,
      gid: 8,
      nlink: 2,
      mtimeMs: 1_000_000_000_000,
    });
    expect(readFileSync(path("d/l"), "utf8")).toBe("hello");
    expect([readlinkSync(path("s")), lstatSync(path("s")).uid]).toEqual(["/etc/passwd", 9]);
    expect(lstatSync(path("c"))).toMatchObject({ mode: 0o020666, rdev: 0x103 });
    expect(lstatSync(path("p")).isFIFO()).toBe(true);
  });

  test("leaves holes, and makes what is missing above", async () => {
    const data = Buffer.alloc(8192, "x");
    await send([place("a/b/sparse", { size: 1n << 30n, pieces: pieces([1 << 29, 8192]) }), data]);
    const { size, blocks } = lstatSync(path("a/b/sparse"));
    expect([size, blocks * 512 < 1 << 20]).toEqual([1 << 30, true]);
    expect(lstatSync(path("a")).mode).toBe(0o040755);
  });

  test("replaces what is there, but keeps a directory that stays one", async () => {
    mkdirSync(path("dir/deep/er"), { recursive: true });
    mkdirSync(path("kept"));
    writeFileSync(path("kept/inside"), "");
    writeFileSync(path("file"), "");
    await send([place("dir"), place("kept", { mode: 0o040700 }), place("file", { mode: 0o040755 })]);
    expect(lstatSync(path("dir")).isFile()).toBe(true);
    expect(readdirSync(path("kept"))).toEqual(["inside"]);
    expect(lstatSync(path("kept")).mode).toBe(0o040700);
    expect(lstatSync(path("file")).isDirectory()).toBe(true);
  });

  test("refuses to change kinds where that was asked for", async () => {
    mkdirSync(path("dir"));
    writeFileSync(path("file"), "");
    const keepKinds = true;
    expect(await failure(send([place("dir", { keepKinds })]))).toMatchObject({
      message: 'cannot overwrite directory "dir" with non-directory',
      data: { errno: 21 },
    });
    expect(await failure(send([place("file", { mode: 0o040755, keepKinds })]))).toMatchObject({
      message: 'cannot overwrite non-directory "file" with directory',
      data: { errno: 20 },
    });
  });

  test("leads nowhere beyond the directory, whatever the names and links", async () => {
    mkdirSync(path("in"));
    writeFileSync(path("secret"), "secret");
    await send(
      [
        ...file("../../up", "1"),
        place("abs", { mode: 0o120777, linkTo: Buffer.from("/") }),
        ...file("abs/x", "2"),
        place("rel", { mode: 0o120777, linkTo: Buffer.from("../..") }),
        ...file("rel/y", "3"),
      ],
      "/in",
    );
    expect(readdirSync(folder).sort()).toEqual(["in", "secret"]);
    expect(readdirSync(path("in")).sort()).toEqual(["abs", "rel", "up", "x", "y"]);
    for (const linkTo of ["../secret", "/secret", "rel/secret"])
      expect((await failure(send([placeLink("hard", linkTo)], "/in"))).data).toMatchObject({ errno: 2 });
    for (const name of ["..", ".", "a/.."])
      expect((await failure(send([place(name, { mode: 0o040755 })], "/in"))).data).toMatchObject({ errno: 22 });
  });

  test("fails with what its source throws, and leaves a part", async () => {
    const broken = (async function* () {
      yield* file("whole", "x");
      yield place("half", { size: 10n, pieces: pieces([0, 10]) });
      throw new Error("the client went away");
    })();
    const plan: HostOp[] = [
      { op: "root", path: folder },
      { op: "receive", target: Buffer.from("/") },
    ];
    expect(lab.executor.send(plan, broken)).rejects.toThrow("the client went away");
  });

  test("reads nothing of its source before the root is open", async () => {
    let isRead = false;
    const parts = (async function* () {
      isRead = true;
      yield place("f");
    })();
    const sending = lab.executor.send(
      [
        { op: "unshare-mounts" },
        { op: "mount-root-of", pid: process.pid, startTicks: 1, path: folder },
        { op: "root", path: folder },
        { op: "pivot", propagation: 0, readonly: false },
        { op: "receive", target: Buffer.from("/") },
      ],
      parts,
    );
    expect((await failure(sending)).data).toMatchObject({ errno: 3, section: "host", op: 1 });
    expect(isRead).toBe(false);
  });

  test("tells a failure while its source is still waiting", async () => {
    const silent = Promise.withResolvers<never>();
    const parts = (async function* () {
      yield place("x".repeat(300));
      for (let i = 0; i < 20_000; i++) yield place(`f${i}`);
      await silent.promise;
    })();
    const plan: HostOp[] = [
      { op: "root", path: folder },
      { op: "receive", target: Buffer.from("/") },
    ];
    expect((await failure(lab.executor.send(plan, parts))).data).toMatchObject({ errno: 36 });
  });
});

describe("resolve", () => {
  const resolve = async (target: string) => {
    const [, answer] = await lab.executor.run([
      { op: "root", path: folder },
      { op: "resolve", target: Buffer.from(target) },
    ]);
    return Buffer.from(answer!).toString("utf8", 28, answer!.length - 1);
  };

  test.each([
    ["/dangling", "/a/b/none/deep"],
    ["/chain", "/a/b/none/deep"],
    ["/up", "/"],
    ["/dir/self", "/dir"],
    ["/dir/", "/dir"],
  ])("follows %s to %p", async (target, end) => {
    mkdirSync(path("dir"));
    symlinkSync("/a/./b/../b/none/deep", path("dangling"));
    symlinkSync("dangling", path("chain"));
    symlinkSync("../../..", path("up"));
    symlinkSync("../dir", path("dir/self"));
    expect(await resolve(target)).toBe(end);
  });

  test("gives up on a circle", async () => {
    symlinkSync("b", path("a"));
    symlinkSync("a", path("b"));
    expect((await failure(resolve("/a"))).data).toMatchObject({ errno: 40 });
  });
});

const SET_XATTRS = `
import os, sys
os.setxattr(sys.argv[1], "user.colour", b"red")
os.setxattr(sys.argv[1], "trusted.secret", b"x")
`;

const NEST = `
import os, sys
os.chdir(sys.argv[1])
for _ in range(30):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
`;
