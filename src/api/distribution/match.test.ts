import { describe, expect, test } from "bun:test";
import { familiarMatch } from "./match.ts";
import { parseReference } from "./reference.ts";

const busybox = parseReference("busybox:1.36");
const nested = parseReference("example.com:5000/team/app:v1");

describe("familiarMatch()", () => {
  test.each([
    ["busybox", true],
    ["busybox:1.36", true],
    ["busybox:1.*", true],
    ["b*x", true],
    ["b*y*x", true],
    ["b*y*y", false],
    ["b?sybox", true],
    ["b[a-z]sybox", true],
    ["b[^a-z]sybox", false],
    ["b[z-a]sybox", false],
    ["b\\usybox", true],
    ["busybox:1.3[0-57]", false],
    ["library/busybox", false],
    ["docker.io/library/busybox", false],
    ["**", true],
    ["*box:*", true],
  ])("%s fits busybox:1.36: %p", (pattern, expected) => {
    expect(familiarMatch(pattern, busybox)).toBe(expected);
  });

  test("a star does not cross a slash", () => {
    expect(familiarMatch("*", nested)).toBe(false);
    expect(familiarMatch("*/*/*", nested)).toBe(true);
    expect(familiarMatch("example.com:5000/team/*", nested)).toBe(true);
  });

  test.each(["[", "[]", "[a", "[a-", "[-]", "a\\", "[a-]"])("refuses %s", (pattern) => {
    expect(() => familiarMatch(pattern, busybox)).toThrow("syntax error in pattern");
  });

  test("many stars take no time", () => {
    const long = parseReference(`${"a".repeat(200)}:x`);
    expect(familiarMatch(`${"*a".repeat(100)}*b`, long)).toBe(false);
  });
});
