import { expect, test } from "bun:test";
import { decodePathStat, encodePathStat, goFileMode, isGoDirectory, isGoSymlink } from "./path-stat.ts";

test.each([
  ["a file", 0o100644, 0o644],
  ["a directory", 0o040755, 2 ** 31 + 0o755],
  ["a symlink", 0o120777, 134_218_239],
  ["a character device", 0o020666, 2 ** 26 + 2 ** 21 + 0o666],
  ["a block device", 0o060600, 2 ** 26 + 0o600],
  ["a pipe", 0o010600, 2 ** 25 + 0o600],
  ["a socket", 0o140755, 2 ** 24 + 0o755],
  ["a file with all special bits", 0o107755, 2 ** 23 + 2 ** 22 + 2 ** 20 + 0o755],
])("goFileMode() of %s", (_, mode, expected) => {
  expect(goFileMode(mode)).toBe(expected);
});

test("isGoDirectory() and isGoSymlink() tell the types apart", () => {
  const modes = [0o100644, 0o040755, 0o120777].map(goFileMode);
  expect(modes.map(isGoDirectory)).toEqual([false, true, false]);
  expect(modes.map(isGoSymlink)).toEqual([false, false, true]);
});

test("decodePathStat() reads what encodePathStat() wrote", () => {
  const stat = { name: "ü", size: 5, mode: 0o644, mtime: "2026-01-01T00:00:00Z", linkTarget: "" };
  expect(decodePathStat(encodePathStat(stat))).toEqual(stat);
});

test.each([
  [undefined],
  [""],
  ["%%%"],
  [Buffer.from("null").toString("base64")],
  [Buffer.from("{}").toString("base64")],
])("decodePathStat() refuses %j", (header) => {
  expect(() => decodePathStat(header)).toThrow("does not tell what the path is");
});
