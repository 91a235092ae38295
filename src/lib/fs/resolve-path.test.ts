import { expect, test } from "bun:test";
import type { ByteString } from "./byte-string.ts";
import { resolvePath, type Walkable } from "./resolve-path.ts";

/** A directory, a file (its number), or a symlink (its target). */
type Node = { readonly [name: string]: Node } | number | string;

const TREE: Node = {
  usr: { bin: { dash: 1, sh: "dash", up: "../../../../etc/passwd" } },
  bin: "usr/bin",
  etc: { passwd: 2, self: "/etc/./self2", self2: "self" },
  loop: "loop",
  dangling: "nowhere/else",
};

const tree: Walkable<Node> = {
  root: TREE,
  typeOf: (node) => (typeof node === "object" ? "directory" : typeof node === "string" ? "symlink" : "file"),
  child: (directory, name) => (directory as Readonly<Record<string, Node>>)[name],
  readLink: (symlink) => symlink as ByteString,
};

const resolve = (path: string, followLast?: boolean) =>
  resolvePath(tree, path as ByteString, followLast === undefined ? {} : { followLast });

test.each([
  ["/", "/", TREE, []],
  ["", "/", TREE, []],
  ["/../..", "/", TREE, []],
  ["//usr/./bin/", "/usr/bin", { dash: 1, sh: "dash", up: "../../../../etc/passwd" }, []],
  ["/bin/sh", "/usr/bin/dash", 1, ["/bin", "/usr/bin/sh"]],
  ["bin/up", "/etc/passwd", 2, ["/bin", "/usr/bin/up"]],
  ["/bin/../../etc/passwd", "/etc/passwd", 2, ["/bin"]],
])("resolvePath() follows %j to %j", (path, resolved, node, followed) => {
  expect(resolve(path)).toEqual({ node, path: resolved, followed } as never);
});

test("resolvePath() leaves a symlink at the end when told", () => {
  expect(resolve("/bin/sh", false)).toEqual({ node: "dash", path: "/usr/bin/sh", followed: ["/bin"] } as never);
});

test.each(["/no", "/etc/passwd/x", "/dangling", "/etc/passwd/.."])("resolvePath() finds nothing at %j", (path) => {
  expect(resolve(path)).toBeUndefined();
});

test.each(["/loop", "/etc/self"])("resolvePath() refuses to go round at %j", (path) => {
  expect(() => resolve(path)).toThrow(`find "${path}": too many symlinks`);
});
