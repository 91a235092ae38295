import { expect, test } from "bun:test";
import type { TreeEntry } from "#executor";
import { readTar } from "#lib/tar";
import { treeEntry } from "./_fake-machine.ts";
import { FakeEngine } from "./_fakes.ts";

const file = treeEntry;
const directory = (path: string, more: Partial<TreeEntry> = {}) =>
  treeEntry(path, { mode: 0o040755, below: "same", ...more });
const whiteout = (path: string, more: Partial<TreeEntry> = {}) =>
  treeEntry(path, { mode: 0o020000, below: "different", ...more });
const gone = (path: string) => treeEntry(path, { mode: 0, below: "different" });

async function changes(tree: readonly TreeEntry[]): Promise<string[]> {
  await using engine = new FakeEngine();
  await engine.create("web");
  engine.executor.tree = [directory(""), ...tree];
  return (await engine.containers.changes("web")).map(({ path, kind }) => `${kind} ${path}`);
}

/** Names of the layer that a commit makes, with the content of files; undefined when there is none. */
async function layer(tree: readonly TreeEntry[]): Promise<string[] | undefined> {
  await using engine = new FakeEngine();
  await engine.create("web");
  engine.executor.tree = [directory(""), ...tree];
  await engine.containers.commit("web", { pause: true, author: "", comment: "", changes: [] });
  const [{ layer } = { layer: undefined }] = engine.commits;
  if (layer === undefined) return undefined;
  const names: string[] = [];
  for await (const { entry, body } of readTar(layer)) {
    let text = "";
    for await (const piece of body) text += piece.toString();
    names.push(`${entry.name}${entry.type === "link" ? ` -> ${entry.linkName}` : ""}${text && `: ${text}`}`);
  }
  return names;
}

test("changes() tells directories because of what is in them, and before it", async () => {
  const tree = [
    directory("a"),
    directory("a/b"),
    file("a/b/new"),
    file("a/b/touched", { below: "different" }),
    directory("a/c"),
    file("a/c/same", { below: "same" }),
    directory("new", { below: "absent" }),
    file("new/x"),
  ];
  const added = ["added /a/b/new", "modified /a/b/touched"];
  expect(await changes(tree)).toEqual(["modified /a", "modified /a/b", ...added, "added /new", "added /new/x"]);
});

test("changes() tells removals by overlayfs's marks, and by what only the image has", async () => {
  const tree = [
    directory("etc"),
    whiteout("etc/passwd"),
    whiteout("etc/never-was", { below: "absent" }),
    directory("var", { opaque: true }),
    gone("var/log"),
  ];
  expect(await changes(tree)).toEqual(["modified /etc", "deleted /etc/passwd", "modified /var", "deleted /var/log"]);
});

test("changes() leaves out what the engine made, as long as nobody else did something to it", async () => {
  const tree = [
    directory("dev", { below: "absent" }),
    file("dev/console"),
    directory("etc"),
    file("etc/hosts"),
    file("etc/hostname", { size: 5 }),
    file("etc/resolv.conf", { below: "different" }),
    directory("proc", { below: "absent" }),
    file("sys"),
  ];
  const etc = ["modified /etc", "added /etc/hostname", "modified /etc/resolv.conf"];
  expect(await changes(tree)).toEqual([...etc, "added /sys"]);
});

test("changes() compares all of a tree without marks", async () => {
  await using engine = new FakeEngine();
  engine.diff = { whole: true };
  await engine.create("web");
  await engine.containers.changes("web");
  expect(engine.executor.plans.at(-1)!.at(-1)).toMatchObject({ op: "walk", all: true, changed: true, opaque: "" });
});

test("a layer has what changed, with whiteouts for what is gone", async () => {
  const tree = [
    directory("a"),
    file("a/new", { text: "content" }),
    whiteout("a/old"),
    directory("same"),
    whiteout("top"),
  ];
  expect(await layer(tree)).toEqual(["a/", "a/new: content", "a/.wh.old", ".wh.top"]);
});

test("a layer repeats all that is in a directory made anew", async () => {
  const tree = [
    directory("var", { opaque: true }),
    directory("var/lib"),
    file("var/lib/same", { below: "same", text: "x" }),
    gone("var/log"),
    directory("var2"),
    directory("new", { below: "absent", opaque: true }),
  ];
  expect(await layer(tree)).toEqual(["var/", "var/.wh..wh..opq", "var/lib/", "var/lib/same: x", "new/"]);
});

test("a layer keeps the names of one file together", async () => {
  const tree = [
    file("first", { identity: "1", below: "same", text: "x" }),
    file("second", { identity: "1" }),
    file("other", { identity: "2", text: "y" }),
  ];
  expect(await layer(tree)).toEqual(["first: x", "second -> first", "other: y"]);
});

test("nothing changed is no layer", async () => {
  expect(await layer([directory("a"), directory("etc"), file("etc/hosts")])).toBeUndefined();
});

test("a socket has no place in a layer", async () => {
  expect(await layer([treeEntry("sock", { mode: 0o140755 }), file("f")])).toEqual(["f"]);
});
