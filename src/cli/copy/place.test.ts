import { expect, test } from "bun:test";
import { namesImage, parsePlace } from "./place.ts";

test.each([
  ["web:/etc/passwd", "web", "/etc/passwd"],
  ["web:etc", "web", "etc"],
  ["web:", "web", ""],
  ["busybox:1.36:/etc/passwd", "busybox:1.36", "/etc/passwd"],
  ["reg:5000/a/b:tag:/etc/x:/y", "reg:5000/a/b:tag", "/etc/x:/y"],
  ["reg:5000/a/b:/", "reg:5000/a/b", "/"],
  [`a/b@sha256:${"0".repeat(64)}:/x`, `a/b@sha256:${"0".repeat(64)}`, "/x"],
])("parsePlace() finds %s elsewhere", (text, name, path) => {
  expect(parsePlace(text)).toEqual({ kind: "remote", name, path });
});

test.each(["-", "file", "./a:b", "/a:/b", "../x:y", ":/etc"])("parsePlace() finds %s here", (path) => {
  expect(parsePlace(path)).toEqual({ kind: "local", path });
});

test("namesImage() knows what no container is called", () => {
  expect(["web", "a/b", "web:1", `x@sha256:${"0".repeat(64)}`].map(namesImage)).toEqual([false, true, true, true]);
});
