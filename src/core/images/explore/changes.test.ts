import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContentStore, createContentStore, digestOf } from "#core/content";
import { type Member, tar } from "#fixtures";
import { byteString } from "#lib/fs";
import { TAR_END, tarHeader } from "#lib/tar";
import { type ChainChanges, type Change, readChanges } from "./changes.ts";

let folder: string;
let content: ContentStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-changes-"));
  content = await createContentStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SIGNAL = new AbortController().signal;

async function changesOf(layers: readonly (readonly Member[])[]): Promise<ChainChanges> {
  const chain = await Promise.all(layers.map((members) => content.put(tar(members))));
  return await readChanges(content, chain, { signal: SIGNAL });
}

/** `A /etc/passwd 10`; `C` with `=` when its content is the same; `(2)` files below; `-5@1` bytes wasted in layer 1; `hidden`. */
function line(change: Change): string {
  const { kind, path, sizeBytes, filesBelow, sameContent, isVisible, wasted } = change;
  const mark = { added: "A", changed: sameContent ? "C=" : "C", deleted: "D" }[kind];
  const below = filesBelow > 0 ? ` (${filesBelow})` : "";
  const lost = [...wasted].map(([layer, bytes]) => ` -${bytes}@${layer + 1}`).join("");
  return `${mark} ${path} ${sizeBytes}${below}${lost}${isVisible || kind === "deleted" ? "" : " hidden"}`;
}

async function linesOf(...layers: (readonly Member[])[]): Promise<string[][]> {
  return (await changesOf(layers)).layers.map((changes) => changes.map(line));
}

const file = (name: string, data: string, more: Partial<Member> = {}): Member => ({ name, data, ...more });
const directory = (name: string, more: Partial<Member> = {}): Member => ({
  name: `${name}/`,
  type: "directory",
  ...more,
});
const link = (name: string, target: string): Member => ({ name, type: "hardlink", target });
const symlink = (name: string, target: string): Member => ({ name, type: "symlink", target });

test("readChanges() tells what a layer adds, changes and deletes", async () => {
  const base = [directory("etc"), file("etc/kept", "1"), file("etc/replaced", "22"), file("etc/removed", "333")];
  expect(
    await linesOf(base, [
      directory("etc"),
      file("etc/replaced", "4444"),
      file("etc/.wh.removed", ""),
      file("new", "5"),
    ]),
  ).toEqual([
    ["A /etc 0", "A /etc/kept 1", "A /etc/removed 3 hidden", "A /etc/replaced 2 hidden"],
    ["D /etc/removed 3 -3@1", "C /etc/replaced 4 -2@1", "A /new 1"],
  ]);
});

test("readChanges() tells a deleted directory once, with what was in it", async () => {
  const base = [file("var/cache/a", "11"), file("var/cache/b/c", "222"), symlink("var/cache/s", "a")];
  expect(await linesOf(base, [file("var/.wh.cache", "")])).toEqual([
    [
      "A /var 0",
      "A /var/cache 0 hidden",
      "A /var/cache/a 2 hidden",
      "A /var/cache/b 0 hidden",
      "A /var/cache/b/c 3 hidden",
      "A /var/cache/s 0 hidden",
    ],
    ["D /var/cache 5 (3) -5@1"],
  ]);
});

test("readChanges() tells each name that an opaque directory hides", async () => {
  const base = [file("d/a", "1"), file("d/b/c", "22"), file("d/same", "333")];
  const opaque = [directory("d"), file("d/.wh..wh..opq", ""), file("d/same", "4444")];
  expect((await linesOf(base, opaque))[1]).toEqual(["D /d/a 1 -1@1", "D /d/b 2 (1) -2@1", "C /d/same 4 -3@1"]);
});

test("readChanges() counts content as lost with its last name only", async () => {
  const base = [file("a", "12345"), link("b", "a")];
  const [, first, last] = await linesOf(base, [file(".wh.a", "")], [file(".wh.b", "")]);
  expect(first).toEqual(["D /a 5"]);
  expect(last).toEqual(["D /b 5 -5@1"]);
});

test("readChanges() sees a link to a lower layer's file as a new name, not as new bytes", async () => {
  const changes = await changesOf([[file("a", "12345")], [link("b", "a")]]);
  expect(changes.layers.map((layer) => layer.map(line))).toEqual([["A /a 5"], ["A /b 5"]]);
  expect(changes.wastedBytes).toEqual([0, 0]);
});

test("readChanges() sees a directory that a file replaced, and the other way round", async () => {
  const base = [file("d/a", "1"), file("d/b", "22"), file("f", "333")];
  expect((await linesOf(base, [file("d", "4444"), directory("f"), file("f/x", "5")]))[1]).toEqual([
    "C /d 4 (2) -3@1",
    "C /f 0 -3@1",
    "A /f/x 1",
  ]);
});

test("readChanges() knows a file that came again only for its mode or owner", async () => {
  const base = [file("app", "12345"), file("touched", "1"), directory("d", { mode: 0o755 })];
  const again = [
    file("app", "12345", { mode: 0o755, uid: 7 }),
    file("touched", "1", { mtime: 5 }),
    directory("d", { mode: 0o700 }),
  ];
  expect((await linesOf(base, again))[1]).toEqual(["C= /app 5 -5@1", "C= /d 0", "C /touched 1 -1@1"]);
});

test("readChanges() takes no notice of a directory that comes again as it was", async () => {
  expect((await linesOf([directory("d")], [directory("d", { mtime: 5 })]))[1]).toEqual([]);
});

test("readChanges() sees a renamed directory as one that went and one that came", async () => {
  const base = [file("old/a", "11"), file("old/b", "222")];
  expect((await linesOf(base, [file(".wh.old", ""), file("new/a", "11"), file("new/b", "222")]))[1]).toEqual([
    "A /new 0",
    "A /new/a 2",
    "A /new/b 3",
    "D /old 5 (2) -5@1",
  ]);
});

test("readChanges() follows symlinks among the parents, as a container would", async () => {
  const [, upper] = await linesOf([directory("usr/bin"), symlink("bin", "usr/bin")], [file("bin/tool", "1")]);
  expect(upper).toEqual(["A /usr/bin/tool 1"]);
});

test("readChanges() does not count holes as waste", async () => {
  const segments = [{ offset: 1 << 20, size: 512 }];
  const header = tarHeader({ type: "file", name: byteString("big"), mode: 0o644, size: 1 << 21, segments });
  const sparse = await content.put(Buffer.concat([header, Buffer.alloc(512, 1), TAR_END]));
  const chain = [sparse, await content.put(tar([file(".wh.big", "")]))];
  const { layers } = await readChanges(content, chain, { signal: SIGNAL });
  expect(layers[1]?.map(line)).toEqual(["D /big 2097152 -512@1"]);
});

test("readChanges() attributes waste to each layer that holds some of it", async () => {
  const changes = await changesOf([[file("d/a", "1")], [file("d/b", "22")], [file(".wh.d", "")]]);
  expect([...changes.layers[2]![0]!.wasted].sort()).toEqual([
    [0, 1],
    [1, 2],
  ]);
  expect(changes.wastedBytes).toEqual([1, 2, 0]);
});

test("readChanges() names a layer that is no tar, and one that is missing", async () => {
  const broken = await content.put(Buffer.from("no tar ".repeat(100)));
  await expect(readChanges(content, [broken], { signal: SIGNAL })).rejects.toThrow(`layer "${broken}"`);
  await expect(readChanges(content, [digestOf("x")], { signal: SIGNAL })).rejects.toMatchObject({ kind: "not-found" });
});

test("readChanges() refuses more layers than anybody builds", async () => {
  const layer = await content.put(tar([]));
  const chain = Array.from({ length: 1025 }, () => layer);
  await expect(readChanges(content, chain, { signal: SIGNAL })).rejects.toMatchObject({ kind: "invalid-parameter" });
});

test("readChanges() stops when nobody waits for it", async () => {
  const many = await content.put(tar(Array.from({ length: 9000 }, (_, i) => file(`f${i}`, ""))));
  await expect(readChanges(content, [many], { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
});

test.each([
  ["changes", { changes: 3, pathBytes: 1000 }],
  ["long paths", { changes: 100, pathBytes: 10 }],
])("readChanges() refuses too many %s", async (_, limits) => {
  const layer = await content.put(tar([file("a/b", ""), file("c/d", "")]));
  const options = { signal: SIGNAL, limits };
  await expect(readChanges(content, [layer], options)).rejects.toThrow("its layers change too many files");
  await expect(readChanges(content, [layer], { signal: SIGNAL })).resolves.toBeDefined();
});
