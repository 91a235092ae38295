/** What every snapshotter must do. A driver's test calls `snapshotterSuite`; it needs root and a built executor. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContentStore, createContentStore, digestOf } from "#core/content";
import { byteString } from "#lib/fs";
import { type TarHeader, tarArchive } from "#lib/tar";
import { createLocalWorkers } from "#lib/workers";
import { archived, describeFolder, describeTree, differences, Mounter, NO_TRASH, XATTRS } from "./_testing.ts";
import type { DriverOptions } from "./driver.ts";
import { readContent } from "./file-tree.ts";
import { type DiffID, OPAQUE_XATTR, type Snapshotter } from "./snapshot.ts";

type Member = Omit<TarHeader, "name" | "mode"> & { name: string; mode?: number; content?: string };

const file = (name: string, content = "", more: Partial<Member> = {}): Member => ({
  type: "file",
  name,
  content,
  ...more,
});
const directory = (name: string, more: Partial<Member> = {}): Member => ({ type: "directory", name, ...more });
const symlink = (name: string, target: string): Member => ({ type: "symlink", name, linkName: byteString(target) });
const link = (name: string, target: string): Member => ({ type: "link", name, linkName: byteString(target) });

const BASE = [
  directory("etc", { mode: 0o750, uid: 3, gid: 4 }),
  file("etc/passwd", "root:x:0:0"),
  file("etc/deep/er/file", "deep"),
  directory("usr/bin"),
  file("usr/bin/su", "#!", { mode: 0o4755 }),
  symlink("bin", "usr/bin"),
  symlink("etc/absolute", "/etc/passwd"),
  symlink("etc/climbing", "../../../../etc/passwd"),
  symlink("etc/dangling", "nowhere"),
];

export function snapshotterSuite(name: string, make: (options: DriverOptions) => Promise<Snapshotter>): void {
  describe(`${name} snapshotter`, () => {
    let folder: string;
    let content: ContentStore;
    let mounter: Mounter;
    let snapshots: Snapshotter;
    let options: DriverOptions;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), `tug-${name}-`));
      content = await createContentStore(join(folder, "content"));
      mounter = await Mounter.start();
      options = {
        root: join(folder, name),
        imagesDir: join(folder, "images"),
        workers: createLocalWorkers(),
        content,
        executor: mounter.executor,
        trash: NO_TRASH,
      };
      snapshots = await make(options);
    });
    afterEach(async () => {
      await mounter[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    const layerOf = async (members: readonly Member[]): Promise<DiffID> =>
      await content.put(
        tarArchive(
          members.map((member) => ({
            mode: member.type === "directory" ? 0o755 : 0o644,
            ...member,
            name: byteString(member.name),
          })),
        ),
      );

    /** What a chain looks like mounted: sorted paths of everything but directories. */
    const listed = async (chain: readonly DiffID[]): Promise<string[]> =>
      await mounter.mounted(await snapshots.view(chain), async (root) => {
        const entries = await readdir(root, { recursive: true, withFileTypes: true });
        return entries
          .filter((entry) => !entry.isDirectory())
          .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
          .sort();
      });

    /** Lets a container write: mounts the snapshot and runs `write` on its root. */
    const change = async (key: string, write: (root: string) => Promise<unknown>): Promise<void> => {
      await mounter.mounted(await snapshots.mounts(key), write);
    };

    const read = async (key: string, path: string, limitBytes = 1000): Promise<string | undefined> => {
      const bytes = await snapshots.readFile(key, path, limitBytes);
      return bytes === undefined ? undefined : Buffer.from(bytes).toString();
    };

    test("shows a layer as GNU tar extracts it", async () => {
      const archive = await makeArchiveOfEverything(folder);
      const extracted = join(folder, "extracted");
      await mkdir(extracted);
      execFileSync("tar", ["-C", extracted, "-xpf", archive, "--same-owner", "--numeric-owner", ...XATTRS]);
      const diffID = await content.put(await readFile(archive));
      const ours = await mounter.mounted(await snapshots.view([diffID]), async (root) => archived(root));
      expect(differences(ours, archived(extracted))).toEqual([]);
    });

    test("merges layers, whiteouts applied", async () => {
      const chain = [
        await layerOf(BASE),
        await layerOf([file("etc/.wh.passwd"), file("etc/deep/.wh..wh..opq"), file("etc/deep/new"), file("bin/ls")]),
        await layerOf([file(".wh.bin"), directory("usr", { mode: 0o700 }), link("etc/again", "usr/bin/su")]),
      ];
      expect(await listed(chain)).toEqual([
        "/etc/absolute",
        "/etc/again",
        "/etc/climbing",
        "/etc/dangling",
        "/etc/deep/new",
        "/usr/bin/ls",
        "/usr/bin/su",
      ]);
      await mounter.mounted(await snapshots.view(chain), async (root) => {
        expect(await lstat(join(root, "etc"))).toMatchObject({ mode: 0o40750, uid: 3, gid: 4 });
        expect((await lstat(join(root, "usr"))).mode).toBe(0o40700);
        expect((await lstat(join(root, "usr/bin/su"))).mode).toBe(0o104755);
      });
    });

    test("shows every sub-stack of a chain as what it is", async () => {
      const [lower, upper] = [
        await layerOf([file("a", "1"), file("b")]),
        await layerOf([file("a", "22"), file(".wh.b")]),
      ];
      expect(await listed([lower, upper])).toEqual(["/a"]);
      expect(await listed([lower])).toEqual(["/a", "/b"]);
      expect(await listed([])).toEqual([]);
    });

    test("keeps a hostile layer within its root", async () => {
      const outside = join(folder, "outside");
      await mkdir(outside);
      const layer = await layerOf([
        symlink("absolute", outside),
        file("absolute/a", "x"),
        symlink("climbing", `${"../".repeat(40)}${outside.slice(1)}`),
        file("climbing/b", "x"),
        symlink("last", join(outside, "c")),
        file("last", "x"),
        file("//leading/d", "x"),
      ]);
      const paths = ["/absolute", "/climbing", "/last", "/leading/d", `${outside}/a`, `${outside}/b`].sort();
      expect(await listed([layer])).toEqual(paths);
      expect(await readdir(outside)).toEqual([]);
    });

    for (const [what, members] of [
      ["a name that leads out", [file("../x")]],
      ["a link that leads out", [file("a"), link("b", "../../a")]],
      ["a link to what is not there", [link("b", "a")]],
    ] as const)
      test(`refuses ${what} and prepares nothing`, async () => {
        const layer = await layerOf(members);
        await expect(snapshots.prepareChain([layer])).rejects.toMatchObject({ kind: "invalid-parameter" });
        await expect(snapshots.create("c", [layer])).rejects.toMatchObject({ kind: "invalid-parameter" });
        expect(await snapshots.list()).toEqual([]);
        await snapshots.prepareChain([await layerOf(BASE)]);
      });

    test("refuses a layer that is no tar, naming it", async () => {
      const layer = await content.put(Buffer.from("no tar at all ".repeat(100)));
      await expect(snapshots.prepareChain([layer])).rejects.toThrow(`layer "${layer}": malformed tar`);
    });

    test("says which layer is missing", async () => {
      const missing = digestOf("missing");
      await expect(snapshots.prepareChain([missing])).rejects.toMatchObject({ kind: "not-found" });
    });

    test("shares the work of concurrent preparations", async () => {
      const chain = [await layerOf(BASE), await layerOf([file("a")])];
      const ids = await Promise.all([1, 2, 3].map(() => snapshots.prepareChain(chain)));
      expect(new Set(ids).size).toBe(1);
    });

    test("keeps what containers write apart", async () => {
      const layer = await layerOf(BASE);
      await snapshots.create("one", [layer]);
      await snapshots.create("two", [layer]);
      await change("one", (root) => writeFile(join(root, "etc/passwd"), "changed"));
      expect(await read("one", "/etc/passwd")).toBe("changed");
      expect(await read("two", "/etc/passwd")).toBe("root:x:0:0");
      await mounter.mounted(await snapshots.mounts("one"), async (root) =>
        expect(await readFile(join(root, "etc/passwd"), "utf8")).toBe("changed"),
      );
    });

    test("look() shows a snapshot beside who has it mounted", async () => {
      await snapshots.create("c", [await layerOf(BASE)]);
      const scratch = { upper: join(folder, "scratch-upper"), work: join(folder, "scratch-work") };
      for (const path of Object.values(scratch)) await mkdir(path);
      await mounter.mounted(await snapshots.mounts("c"), async (root) => {
        await writeFile(join(root, "new"), "written");
        await rm(join(root, "etc/deep"), { recursive: true });
      });
      await mounter.mounted(await snapshots.look("c", scratch), async (root) => {
        expect(await readFile(join(root, "new"), "utf8")).toBe("written");
        expect(await readdir(join(root, "etc"))).not.toContain("deep");
        await mkdir(join(root, "mount-point"));
      });
      if (name === "vfs") return;
      await mounter.mounted(await snapshots.mounts("c"), async (root) =>
        expect(await readdir(root)).not.toContain("mount-point"),
      );
      await expect(snapshots.look("none", scratch)).rejects.toMatchObject({ kind: "not-found" });
    });

    test("diff() leads to what was changed", async () => {
      const chain = [await layerOf(BASE)];
      await snapshots.prepareChain(chain);
      await snapshots.create("c", chain);
      await mounter.mounted(await snapshots.mounts("c"), async (root) => {
        await writeFile(join(root, "new"), "");
        await writeFile(join(root, "etc/passwd"), "changed");
        await rm(join(root, "etc/dangling"));
        await rm(join(root, "usr"), { recursive: true });
        await mkdir(join(root, "usr"));
        await writeFile(join(root, "usr/own"), "");
      });
      const { path, whole, below } = await snapshots.diff("c");
      const options = { opaque: whole ? "" : OPAQUE_XATTR, all: whole, changed: true, brief: false, content: false };
      const found = new Map<string, string>();
      await mounter.mounted(below, async () => {
        const walk = mounter.executor.walk([
          { op: "walk", root: path, target: Buffer.from("/"), below: below.path, ...options, xattrs: [] },
        ]);
        for await (const entry of walk) {
          const isGone = entry.mode === 0 || (entry.mode & 0o170000) === 0o020000;
          if (entry.below !== "same") found.set(entry.path, isGone ? "gone" : entry.below);
        }
      });
      expect(Object.fromEntries(found)).toEqual({
        "etc/dangling": "gone",
        "etc/passwd": "different",
        new: "absent",
        "usr/bin": "gone",
        "usr/own": "absent",
      });
      await expect(snapshots.diff("none")).rejects.toMatchObject({ kind: "not-found" });
    });

    test("makes a snapshot over nothing", async () => {
      await snapshots.create("c", []);
      await change("c", (root) => writeFile(join(root, "a"), "1"));
      expect(await read("c", "a")).toBe("1");
    });

    test("gives a new root to its owner", async () => {
      await snapshots.create("c", [await layerOf(BASE)], { owner: { uid: 100_000, gid: 100_001 } });
      await mounter.mounted(await snapshots.mounts("c"), async (root) =>
        expect(await lstat(root)).toMatchObject({ uid: 100_000, gid: 100_001, mode: 0o40755 }),
      );
    });

    test("readFile() resolves symlinks within the root, written to or not", async () => {
      await snapshots.create("c", [await layerOf(BASE)]);
      for (const written of [false, true]) {
        if (written) await change("c", (root) => writeFile(join(root, "new"), "x"));
        for (const path of [
          "/etc/passwd",
          "etc/absolute",
          "/etc/climbing",
          "/../etc/passwd",
          "/bin/../../etc/./passwd",
        ])
          expect([path, await read("c", path)]).toEqual([path, "root:x:0:0"]);
        expect(await read("c", "/bin/su")).toBe("#!");
        for (const path of ["/absent", "/etc", "/etc/dangling", "/etc/passwd/x"])
          expect(await read("c", path)).toBeUndefined();
        expect(await read("c", "/etc/passwd", 9)).toBeUndefined();
        expect(await read("c", "/etc/passwd", 10)).toBe("root:x:0:0");
      }
    });

    test("browse() shows what a mount shows, without one", async () => {
      const everything = await content.put(await readFile(await makeArchiveOfEverything(folder)));
      const changes = await layerOf([
        file(".wh.none"),
        file("new", "x".repeat(300_000), { uid: 7, mode: 0o640 }),
        link("d/again", "new"),
        link("linked-below", "random"),
      ]);
      const chain = [everything, changes];
      using tree = await snapshots.browse(chain);
      const browsed = await describeTree(tree);
      const mounted = await mounter.mounted(await snapshots.view(chain), async (root) => describeFolder(root));
      expect(browsed.get("/new")).toMatchObject({ type: "file", links: 2, size: 300_000 });
      expect([...browsed.keys()].sort()).toEqual([...mounted.keys()].sort());
      for (const [path, described] of browsed) expect({ path, ...described }).toEqual({ path, ...mounted.get(path)! });
    });

    test("browse() resolves paths within the tree, and reads ranges", async () => {
      const sparse = "abc".repeat(1000);
      using tree = await snapshots.browse([await layerOf([...BASE, file("text", sparse)])]);
      const resolve = (path: string, options = {}) => tree.resolve(byteString(path), options);
      expect(resolve("/bin/../../etc/climbing")).toMatchObject({
        path: "/etc/passwd",
        followed: ["/bin", "/etc/climbing"],
      });
      expect(resolve("etc/absolute", { followLast: false })).toMatchObject({ path: "/etc/absolute", followed: [] });
      for (const path of ["/absent", "/etc/dangling", "/etc/passwd/x"]) expect(resolve(path)).toBeUndefined();
      expect([...tree.entries(resolve("/etc")!.node)].map(({ name }) => name as string)).toEqual([
        "absolute",
        "climbing",
        "dangling",
        "deep",
        "passwd",
      ]);
      expect(tree.readLink(resolve("/bin", { followLast: false })!.node)).toBe(byteString("usr/bin"));
      const range = async (offset: number, length: number) =>
        Buffer.concat(await Array.fromAsync(readContent(tree, resolve("/text")!.node, { offset, length }))).toString();
      expect(await range(0, 5)).toBe("abcab");
      expect(await range(2998, 50)).toBe("bc");
      expect(await range(3000, 1)).toBe("");
    });

    test("browse() says which layer is missing", async () => {
      await expect(snapshots.browse([digestOf("missing")])).rejects.toMatchObject({ kind: "not-found" });
    });

    test("usage() grows by what is written", async () => {
      await snapshots.create("c", [await layerOf(BASE)]);
      const before = await snapshots.usage("c");
      await change("c", (root) => writeFile(join(root, "large"), Buffer.alloc(1_000_000, 1)));
      expect((await snapshots.usage("c")) - before).toBeWithin(1_000_000, 1_100_000);
    });

    test("chainSize() counts files once", async () => {
      const chain = [
        await layerOf([file("a", "123"), link("b", "a"), file("gone", "12345")]),
        await layerOf([file("c", "4"), file(".wh.gone")]),
      ];
      await snapshots.prepareChain(chain);
      expect(await snapshots.chainSize(chain)).toBe(4);
    });

    test("preparedParts() measures what was made for a chain, and makes nothing", async () => {
      const chain = [await layerOf([file("a", "x".repeat(10_000))]), await layerOf([file("b", "2")])];
      expect(await snapshots.preparedParts(chain)).toEqual([]);
      await snapshots.prepareChain(chain);
      const parts = await snapshots.preparedParts(chain);
      expect(parts.length).toBeGreaterThan(0);
      expect(new Set(parts.map((part) => part.key)).size).toBe(parts.length);
      for (const { bytes } of parts) expect(bytes).toBeGreaterThan(0);
    });

    test("answers for keys that exist, or do not", async () => {
      const chain = [await layerOf(BASE)];
      await snapshots.create("c", chain);
      await expect(snapshots.create("c", chain)).rejects.toMatchObject({ kind: "already-exists" });
      expect(await snapshots.list()).toEqual(["c"]);
      await snapshots.remove("c");
      await snapshots.remove("c");
      expect(await snapshots.list()).toEqual([]);
      await expect(snapshots.mounts("c")).rejects.toMatchObject({ kind: "not-found" });
      await expect(snapshots.usage("c")).rejects.toMatchObject({ kind: "not-found" });
      await expect(snapshots.readFile("c", "/a", 1)).rejects.toMatchObject({ kind: "not-found" });
      for (const key of ["", "..", "a/b", ".hidden"])
        await expect(snapshots.create(key, chain)).rejects.toMatchObject({ kind: "invalid-parameter" });
    });

    test("retainChains() drops what neither an image nor a snapshot needs", async () => {
      const [kept, used, dropped] = [await layerOf(BASE), await layerOf([file("a", "1")]), await layerOf([file("b")])];
      const keptID = await snapshots.prepareChain([kept]);
      await snapshots.prepareChain([kept, dropped]);
      await snapshots.create("c", [used]);
      await listed([kept, dropped]);
      await snapshots.retainChains(new Set([keptID]));
      await content.remove(dropped);
      await expect(snapshots.prepareChain([kept, dropped])).rejects.toMatchObject({ kind: "not-found" });
      await content.remove(await layerOf([file("unrelated")]));
      expect(await read("c", "a")).toBe("1");
      expect(await listed([kept])).toContain("/etc/passwd");
    });

    test("is the same after the daemon died", async () => {
      const chain = [await layerOf(BASE)];
      await snapshots.create("c", chain);
      await change("c", (root) => writeFile(join(root, "new"), "x"));
      await mkdir(join(options.root, "tmp", "half-made"));
      const again = await make(options);
      expect(await again.list()).toEqual(["c"]);
      expect(await readdir(join(options.root, "tmp"))).toEqual([]);
      expect(Buffer.from((await again.readFile("c", "new", 10))!).toString()).toBe("x");
      expect(await again.mounts("c")).toEqual(await snapshots.mounts("c"));
    });
  });
}

/** One archive with everything that tar can hold of a root filesystem. */
async function makeArchiveOfEverything(folder: string): Promise<string> {
  const tree = join(folder, "everything");
  const script = `
    mkdir -p d/e "sp ace" empty && chmod 1777 d && chown 70000:4000000000 d/e
    echo text > d/file && chmod 4711 d/file && ln d/file zz-hard && touch -d '1960-01-02 03:04:05.678901234' d/e
    touch none && touch -d '2040-02-03 04:05:06.000000001' none
    ln -s d/file relative && ln -s "$(printf 'x%.0s' $(seq 700))" long && chown -h 5:6 relative
    mkfifo fifo && mknod null c 1 3 && mknod large b 259 70000
    head -c 3000000 /dev/urandom > random && head -c 512 random > block && head -c 513 random > over
    for i in 1 7 20 21 22 60; do echo "$i" | dd of=sparse bs=4096 seek=$i conv=notrunc status=none; done; truncate -s 1M sparse
    for i in $(seq 300); do echo $i > "sp ace/ünï $i"; done
    printf bytes > "$(printf 'latin-\\351')"
    mkdir "$(printf 'n%.0s' $(seq 255))"`;
  await mkdir(tree);
  execFileSync("sh", ["-ec", script], { cwd: tree });
  const path = join(folder, "everything.tar");
  execFileSync("tar", ["-C", tree, "--format=posix", "--sparse", "-cf", path, "."]);
  const xattrs = new Map([
    [byteString("user.mime"), Buffer.from("text/plain")],
    [byteString("trusted.ours"), Buffer.alloc(3000, 7)],
    [byteString("security.capability"), Buffer.from("0100000200040000000000000000000000000000", "hex")],
  ]);
  const more = tarArchive([{ type: "file", name: byteString("./attributes"), mode: 0o755, xattrs, content: "x" }]);
  await writeFile(join(folder, "more.tar"), more);
  execFileSync("tar", ["-Af", path, join(folder, "more.tar")]);
  return path;
}
