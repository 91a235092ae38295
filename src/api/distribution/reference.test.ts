import { describe, expect, test } from "bun:test";
import {
  familiarName,
  familiarReference,
  formatReference,
  parseDigestOrReference,
  parseReference,
  parseTag,
  repositoryOf,
  withDefaultTag,
} from "./reference.ts";

const HEX = "0123456789abcdef".repeat(4);

describe("parseReference()", () => {
  test.each([
    // typed, full, familiar
    ["busybox", "docker.io/library/busybox", "busybox"],
    ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
    ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
    ["index.docker.io/busybox", "docker.io/library/busybox", "busybox"],
    ["docker.io/library/busybox", "docker.io/library/busybox", "busybox"],
    ["library/a/b", "docker.io/library/a/b", "library/a/b"],
    ["team/app", "docker.io/team/app", "team/app"],
    ["localhost/app", "localhost/app", "localhost/app"],
    ["localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1"],
    [
      "example.com:5000/a/b__c.d-e--f:V_1.2-x",
      "example.com:5000/a/b__c.d-e--f:V_1.2-x",
      "example.com:5000/a/b__c.d-e--f:V_1.2-x",
    ],
    ["[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"],
    ["UPPER/app", "UPPER/app", "UPPER/app"],
    [`app@sha256:${HEX}`, `docker.io/library/app@sha256:${HEX}`, `app@sha256:${HEX}`],
    [`app:v1@sha256:${HEX}`, `docker.io/library/app:v1@sha256:${HEX}`, `app:v1@sha256:${HEX}`],
    // A port number without a path is a tag.
    ["example:5000", "docker.io/library/example:5000", "example:5000"],
    [`sha256:${HEX}`, `docker.io/library/sha256:${HEX}`, `sha256:${HEX}`],
  ])("%s", (typed, full, familiar) => {
    const reference = parseReference(typed);
    expect(formatReference(reference)).toBe(full);
    expect(familiarReference(reference)).toBe(familiar);
    expect(formatReference(parseReference(familiar))).toBe(full);
  });

  test.each([
    ["", "invalid reference format"],
    [":tag", "invalid reference format"],
    ["a//b", "invalid reference format"],
    ["/a", "invalid reference format"],
    ["a/", "invalid reference format"],
    ["-a", "invalid reference format"],
    ["a___b", "invalid reference format"],
    ["a..b", "invalid reference format"],
    ["a:", "invalid reference format"],
    ["a:b:c", "invalid reference format"],
    [`a:${"t".repeat(129)}`, "invalid reference format"],
    ["a@sha256:abc", "invalid reference format"],
    ["a b", "invalid reference format"],
    ["a\n", "invalid reference format"],
    ["../../etc/passwd", "invalid reference format"],
    ["Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"],
    ["team/App:v1", "invalid reference format: repository name (team/App) must be lowercase"],
    [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
    [`a/${"b".repeat(254)}`, "repository name must not be more than 255 characters"],
    [`a@sha256:${"a".repeat(40)}`, "invalid checksum digest length"],
    [`a@sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
    [`a@md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
  ])("refuses %s", (typed, message) => {
    expect(() => parseReference(typed)).toThrow(new Error(message));
  });

  test("keeps the parts apart", () => {
    const reference = parseReference("example.com:5000/team/app:v1");
    expect(reference).toEqual({ domain: "example.com:5000", path: "team/app", tag: parseTag("v1") });
    expect<string>(repositoryOf(reference)).toBe("example.com:5000/team/app");
    expect(familiarName(reference)).toBe("example.com:5000/team/app");
  });
});

test("parseReference() refuses an endless text without reading it", () => {
  expect(() => parseReference("x".repeat(1_000_000))).toThrow(new Error("invalid reference format"));
});

describe("parseDigestOrReference()", () => {
  test("takes 64 hex digits and a full digest for an ID", () => {
    expect<unknown>(parseDigestOrReference(HEX)).toBe(`sha256:${HEX}`);
    expect<unknown>(parseDigestOrReference(`sha256:${HEX}`)).toBe(`sha256:${HEX}`);
  });

  test("takes anything else for a reference", () => {
    expect(parseDigestOrReference("busybox")).toEqual(parseReference("busybox"));
  });
});

describe("withDefaultTag()", () => {
  test("adds latest only where neither tag nor digest is", () => {
    expect(familiarReference(withDefaultTag(parseReference("a")))).toBe("a:latest");
    expect(familiarReference(withDefaultTag(parseReference("a:b")))).toBe("a:b");
    expect(familiarReference(withDefaultTag(parseReference(`a@sha256:${HEX}`)))).toBe(`a@sha256:${HEX}`);
  });
});

test("parseTag() refuses what is no tag", () => {
  expect(() => parseTag(".hidden")).toThrow(new Error("invalid tag format"));
});
