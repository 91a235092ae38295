import { expect, test } from "bun:test";
import type { Inode } from "#lib/erofs";
import { byteString } from "#lib/fs";
import type { Change, ChangeKind } from "./changes.ts";
import { outlineOf } from "./outline.ts";

function change(kind: ChangeKind, path: string, sizeBytes: number, more: Partial<Change> = {}): Change {
  const type = path.endsWith("/") ? "directory" : "file";
  return {
    kind,
    path: byteString(path.replace(/\/$/, "")),
    layer: 0,
    inode: { type } as Inode,
    sizeBytes,
    filesBelow: 0,
    sameContent: false,
    isVisible: true,
    wasted: new Map(),
    ...more,
  };
}

const rows = (...changes: Change[]) =>
  outlineOf(changes).map(
    ({ Path, Kind, Type, Bytes, Files }) =>
      `${Kind ?? "-"} ${Path}${Type === "directory" ? "/" : ""} ${Bytes} ${Files}`,
  );

test("outlineOf() shows where a tenth of the bytes or more are, the largest first", () => {
  const small = Array.from({ length: 50 }, (_, i) => change("added", `/usr/lib/small${i}`, 10));
  expect(
    rows(
      change("added", "/usr/", 0),
      ...small,
      change("added", "/usr/lib/large", 3000),
      change("added", "/opt/x", 1500),
    ),
  ).toEqual(["- /usr/lib/ 3500 51", "added /usr/lib/large 3000 1", "added /opt/x 1500 1"]);
});

test("outlineOf() shows what was changed and deleted, however small it is", () => {
  expect(
    rows(
      change("added", "/big", 1_000_000),
      change("changed", "/etc/passwd", 5),
      change("deleted", "/var/cache/apt/", 9, { filesBelow: 3 }),
      change("changed", "/home/", 0),
    ),
  ).toEqual(["added /big 1000000 1", "deleted /var/cache/apt/ 9 3", "changed /etc/passwd 5 1"]);
});

test("outlineOf() shows a layer of empty files and links by their number", () => {
  expect(rows(change("added", "/a/b", 0), change("added", "/a/c", 0), change("added", "/d", 0))).toEqual([
    "- /a/ 0 2",
    "added /a/b 0 1",
    "added /a/c 0 1",
    "added /d 0 1",
  ]);
});

test("outlineOf() keeps to a few rows", () => {
  const many = Array.from({ length: 9 }, (_, i) => change("added", `/a${i}/b/c`, 1000 + i));
  const more = many.map((each, i) => change("changed", `/a${i}/d`, 500, { inode: each.inode }));
  expect(rows(...many, ...more).length).toBe(12);
});
