import { expect, test } from "bun:test";
import type { DirectoryInode, Inode } from "#lib/erofs";
import { byteString } from "#lib/fs";
import { type TarHeader, TarScanner, tarArchive } from "#lib/tar";
import { LayerTree } from "./_layer-tree.ts";

type Member = Omit<TarHeader, "name" | "mode" | "linkName"> & { content?: string; mode?: number };

const file = (content: string, more: Partial<Member> = {}): Member => ({ type: "file", content, ...more });
const directory = (more: Partial<Member> = {}): Member => ({ type: "directory", ...more });
const nothing = file("");

/** A layer as `{ name: member }`, or `{ name: "-> target" }` for a symlink, `{ name: "== target" }` for a hard link. */
type Layer = Readonly<Record<string, Member | string>>;

function archiveOf(layer: Layer): Uint8Array {
  return tarArchive(
    Object.entries(layer).map(([name, member]) => {
      if (typeof member !== "string")
        return { mode: member.type === "directory" ? 0o755 : 0o644, ...member, name: byteString(name) };
      const type = member.startsWith("->") ? "symlink" : "link";
      return { type, mode: 0o777, name: byteString(name), linkName: byteString(member.slice(3)) } as const;
    }),
  );
}

function apply(...layers: Layer[]): LayerTree {
  const tree = new LayerTree();
  for (const layer of layers) {
    tree.beginLayer();
    const scanner = new TarScanner((entry) => tree.add(entry));
    scanner.push(archiveOf(layer));
    scanner.end();
  }
  return tree;
}

/** A tree as sorted paths, each with what tells it from others. */
function show(root: DirectoryInode, path = ""): string[] {
  return [...root.children]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, child]) => [
      `${path}/${name}${describe(child)}`,
      ...(child.type === "directory" ? show(child, `${path}/${name}`) : []),
    ]);
}

function describe(inode: Inode): string {
  if (inode.type === "symlink") return ` -> ${inode.target}`;
  if (inode.type === "character") return ` c${inode.major}:${inode.minor}`;
  if (inode.type === "directory") return inode.xattrs.size > 0 ? "/ opaque" : "/";
  return inode.type === "file" ? ` ${inode.size}@${inode.data.source}` : "";
}

const base: Layer = {
  etc: directory({ mode: 0o700 }),
  "etc/passwd": file("12345"),
  "etc/deep/a": file("1"),
  usr: directory(),
  "usr/bin/sh": file("123"),
  bin: "-> usr/bin",
};

const cases: readonly [what: string, layers: readonly Layer[], expected: readonly string[]][] = [
  ["makes missing parents", [{ "a/b/c": file("1") }], ["/a/", "/a/b/", "/a/b/c 1@0"]],
  [
    "takes every spelling of a name",
    [{ "./a": nothing, "/b": nothing, "c//d/../e/": directory() }],
    ["/a 0@0", "/b 0@0", "/c/", "/c/e/"],
  ],
  ["lets an upper file replace a lower one", [{ a: file("1") }, { a: file("22") }], ["/a 2@1"]],
  ["merges directories", [{ "d/a": file("1") }, { d: directory(), "d/b": file("2") }], ["/d/", "/d/a 1@0", "/d/b 1@1"]],
  ["lets a file replace a directory", [{ "d/a": file("1") }, { d: file("1") }], ["/d 1@1"]],
  ["lets a directory replace a file", [{ d: file("1") }, { "d/a": file("1") }], ["/d/", "/d/a 1@1"]],
  [
    "removes what a whiteout names",
    [base, { "etc/.wh.passwd": nothing, ".wh.usr": nothing }],
    ["/bin -> usr/bin", "/etc/", "/etc/deep/", "/etc/deep/a 1@0"],
  ],
  ["ignores a whiteout of nothing", [{ ".wh.a": nothing, "x/.wh.b": nothing }], []],
  [
    "keeps what the whiteout's own layer has",
    [
      { a: file("1"), "d/x": nothing },
      { a: file("22"), ".wh.a": nothing, "d/y": nothing, ".wh.d": nothing },
    ],
    ["/a 2@1", "/d/", "/d/y 0@1"],
  ],
  [
    "empties an opaque directory of what is below",
    [base, { "etc/new": nothing, "etc/.wh..wh..opq": nothing }],
    ["/bin -> usr/bin", "/etc/", "/etc/new 0@1", "/usr/", "/usr/bin/", "/usr/bin/sh 3@0"],
  ],
  [
    "empties an opaque directory at every depth",
    [
      { "d/e/a": nothing, "d/f/a": nothing },
      { "d/e/b": nothing, "d/.wh..wh..opq": nothing },
    ],
    ["/d/", "/d/e/", "/d/e/b 0@1"],
  ],
  ["ignores other marks of AUFS", [{ ".wh..wh.plnk/1.2": nothing, ".wh..wh.aufs": nothing, a: nothing }], ["/a 0@0"]],
  [
    "follows symlinks among the parents",
    [base, { "bin/ls": file("1") }],
    [
      "/bin -> usr/bin",
      "/etc/",
      "/etc/deep/",
      "/etc/deep/a 1@0",
      "/etc/passwd 5@0",
      "/usr/",
      "/usr/bin/",
      "/usr/bin/ls 1@1",
      "/usr/bin/sh 3@0",
    ],
  ],
  [
    "keeps absolute and climbing symlinks within the root",
    [{ a: "-> /../../x", b: "-> ../../../y", "a/f": nothing, "b/f": nothing }],
    ["/a -> /../../x", "/b -> ../../../y", "/x/", "/x/f 0@0", "/y/", "/y/f 0@0"],
  ],
  [
    "replaces a symlink by an explicit directory",
    [
      { d: "-> x", "x/a": nothing },
      { d: directory(), "d/b": nothing },
    ],
    ["/d/", "/d/b 0@1", "/x/", "/x/a 0@0"],
  ],
  ["links to files of lower layers", [{ a: file("1") }, { b: "== a", a: file("22") }], ["/a 2@1", "/b 1@0"]],
];

for (const [what, layers, expected] of cases)
  test(`LayerTree ${what}`, () => {
    expect(show(apply(...layers).root)).toEqual([...expected]);
  });

test("LayerTree gives hard links one inode", () => {
  const { children } = apply({ a: file("1"), b: "== ./a", c: "== b" }).root;
  expect(children.get(byteString("b"))).toBe(children.get(byteString("a"))!);
  expect(children.get(byteString("c"))).toBe(children.get(byteString("a"))!);
});

test("LayerTree renews the attributes of a directory and of the root", () => {
  const { root } = apply(base, { "./": directory({ mode: 0o711, uid: 5 }), etc: directory({ mode: 0o750 }) });
  expect(root).toMatchObject({ mode: 0o711, uid: 5 });
  expect(root.children.get(byteString("etc"))).toMatchObject({ mode: 0o750 });
});

test("LayerTree keeps the attributes of a lower directory that is only passed through", () => {
  const { root } = apply(base, { "etc/new": nothing });
  expect(root.children.get(byteString("etc"))).toMatchObject({ mode: 0o700 });
});

test("LayerTree keeps the extended attributes that Linux can have, but overlayfs's own", () => {
  const kept = ["user.a", "security.capability", "system.posix_acl_access"];
  const dropped = [
    "trusted.overlay.redirect",
    "user.overlay.opaque",
    "com.apple.quarantine",
    "user.",
    "system.nfs4_acl",
  ];
  const xattrs = new Map([...kept, ...dropped].map((name) => [byteString(name), Buffer.from("x")] as const));
  const { children } = apply({ a: file("", { xattrs }), f: { type: "fifo", xattrs } }).root;
  expect([...children.get(byteString("a"))!.xattrs.keys()].map(String)).toEqual(kept);
  expect([...children.get(byteString("f"))!.xattrs.keys()].map(String)).toEqual(kept.slice(1));
});

const refused: readonly [what: string, layer: Layer, reason: string][] = [
  ["a name that leads out", { "a/../../b": nothing }, "leads out of the root"],
  ["a link that leads out", { a: nothing, b: "== ../a" }, "leads out of the root"],
  ["a link to nothing", { b: "== a" }, "does not exist"],
  ["a link to a directory", { a: directory(), b: "== a" }, "is a directory"],
  ["a link to the root", { b: "== /" }, "does not exist"],
  ["a root that is a file", { ".": file("") }, "the root must be a directory"],
  ["symlinks in a circle", { a: "-> b", b: "-> a", "a/x": nothing }, "too many symlinks"],
  ["a part beyond 255 bytes", { ["x".repeat(256)]: nothing }, "file name too long"],
  ["a whiteout of its own directory", { "d/.wh.": nothing, d: directory() }, "hides nothing"],
  ["a whiteout of the parent", { "d/.wh...": nothing }, "hides nothing"],
];

for (const [what, layer, reason] of refused)
  test(`LayerTree refuses ${what}`, () => {
    const layers = what.startsWith("a whiteout") ? [{ "d/x": nothing }, layer] : [layer];
    expect(() => apply(...layers)).toThrow(
      expect.objectContaining({ kind: "invalid-parameter", message: expect.stringContaining(reason) }),
    );
  });

const diffs: readonly [what: string, layers: readonly Layer[], expected: readonly string[]][] = [
  ["is the layer itself over nothing", [{ "a/b": nothing }], ["/a/", "/a/b 0@0"]],
  ["leaves out what is not the layer's", [base, { "etc/new": nothing }], ["/etc/", "/etc/new 0@1"]],
  ["marks removed names", [base, { "etc/.wh.passwd": nothing }], ["/etc/", "/etc/passwd c0:0"]],
  [
    "marks opaque directories",
    [base, { "etc/.wh..wh..opq": nothing, "etc/new": nothing }],
    ["/etc/ opaque", "/etc/new 0@1"],
  ],
  [
    "marks every name that an opaque root takes away",
    [base, { ".wh..wh..opq": nothing, "usr/x": nothing }],
    ["/bin c0:0", "/etc c0:0", "/usr/ opaque", "/usr/x 0@1"],
  ],
  ["marks an emptied directory", [base, { "etc/deep/.wh..wh..opq": nothing }], ["/etc/", "/etc/deep/ opaque"]],
  [
    "marks a directory that was removed and made anew",
    [base, { ".wh.etc": nothing, "etc/new": nothing }],
    ["/etc/ opaque", "/etc/new 0@1"],
  ],
  ["marks a directory that replaces a file", [{ d: file("1") }, { d: directory() }], ["/d/ opaque"]],
  [
    "goes where symlinks of lower layers lead",
    [base, { "bin/ls": nothing }],
    ["/usr/", "/usr/bin/", "/usr/bin/ls 0@1"],
  ],
  ["has both names of a link to a lower file", [{ a: file("1") }, { b: "== a" }], ["/a 1@0", "/b 1@0"]],
  ["is empty for an empty layer", [base, {}], []],
];

for (const [what, layers, expected] of diffs)
  test(`LayerTree.layerDiff() ${what}`, () => {
    expect(show(apply(...layers).layerDiff())).toEqual([...expected]);
  });
