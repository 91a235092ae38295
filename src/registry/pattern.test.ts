import { expect, test } from "bun:test";
import { compilePattern } from "./pattern.ts";

test.each([
  ["team/app", "team/app", true],
  ["team/app", "team/app2", false],
  ["team/*", "team/app", true],
  ["team/*", "team/a/b", false],
  ["team/**", "team/a/b", true],
  ["team/**", "team", false],
  ["**", "a/b/c", true],
  ["*", "a/b", false],
  ["*/b", "a/b", true],
  ["a?c", "abc", true],
  ["a?c", "a/c", false],
  ["v[0-9]*", "v1.2", true],
  ["v[0-9]*", "vx", false],
  ["[!v]*", "latest", true],
  ["[!v]*", "v1", false],
  ["a.c", "abc", false],
  ["a+(b)", "a+(b)", true],
  ["[a^]", "^", true],
])("compilePattern(%p) and %p: %p", (pattern, name, expected) => {
  expect(compilePattern(pattern)(name)).toBe(expected);
});

test.each(["", "[", "a]", "[]", "[z-a]"])("compilePattern(%p) refuses it", (pattern) => {
  expect(() => compilePattern(pattern)).toThrow(`invalid pattern "${pattern}"`);
});

test("compilePattern() is done with the worst name in no time", () => {
  expect(compilePattern(`${"**a".repeat(200)}b`)("a".repeat(255))).toBe(false);
  expect(compilePattern(`${"*".repeat(200)}b`)("a".repeat(255))).toBe(false);
});
