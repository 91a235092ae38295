import { describe, expect, test } from "bun:test";
import {
  acceptOnly,
  booleanFilter,
  matchExact,
  matchLabels,
  matchPattern,
  matchPrefix,
  matchPruneLabels,
  NO_FILTERS,
  parseFilters,
} from "./filters.ts";

describe("parseFilters()", () => {
  test("reads both encodings", () => {
    const expected = new Map([["label", ["a=b", "c"]]]);
    expect(parseFilters('{"label":{"a=b":true,"c":true}}')).toEqual(expected);
    expect(parseFilters('{"label":["a=b","c"]}')).toEqual(expected);
  });

  test("takes no text and null for no filters", () => {
    expect(parseFilters("")).toBe(NO_FILTERS);
    expect(parseFilters("null")).toBe(NO_FILTERS);
    expect(parseFilters('{"label":null}')).toEqual(new Map([["label", []]]));
  });

  test.each([
    "x",
    "[]",
    "1",
    '"a"',
    '{"a":1}',
    '{"a":"b"}',
    '{"a":[1]}',
    '{"a":{"b":1}}',
    '{"a":["b"],"c":{"d":true}}',
    "{",
  ])("refuses %s", (text) => {
    expect(() => parseFilters(text)).toThrow(new Error("invalid filter"));
  });

  test("is not confused by names of Object's prototype", () => {
    expect(parseFilters('{"__proto__":["x"]}').get("__proto__")).toEqual(["x"]);
    expect(matchLabels(parseFilters('{"label":["constructor"]}'), "label", {})).toBe(false);
  });
});

test("acceptOnly() names the unknown key", () => {
  const filters = parseFilters('{"label":["a"],"nope":["b"]}');
  expect(() => acceptOnly(filters, ["label"])).toThrow(new Error("invalid filter 'nope'"));
  expect(() => acceptOnly(filters, ["label", "nope"])).not.toThrow();
});

describe("matchExact(), matchPrefix() and matchPattern()", () => {
  const filters = parseFilters('{"name":["web","db["]}');
  test.each([
    // text, exact, prefix, pattern
    ["web", true, true, true],
    ["web1", false, true, true],
    ["myweb", false, false, true],
    ["db[", true, true, true],
    ["db", false, false, false],
  ])("%s", (text, exact, prefix, pattern) => {
    expect(matchExact(filters, "name", text)).toBe(exact);
    expect(matchPrefix(filters, "name", text)).toBe(prefix);
    expect(matchPattern(filters, "name", text)).toBe(pattern);
  });

  test("let everything through without a value", () => {
    for (const match of [matchExact, matchPrefix, matchPattern]) {
      expect(match(NO_FILTERS, "name", "x")).toBe(true);
      expect(match(parseFilters('{"name":[]}'), "name", "x")).toBe(true);
    }
  });
});

describe("matchPattern()", () => {
  test.each([
    ["^web$", true],
    ["(?i)WEB", true],
    ["w.b", true],
    ["web|db", true],
    ["[[:alpha:]]{3}", true],
    ["^eb", false],
    ["(?=web)", false],
  ])("%s", (pattern, expected) => {
    expect(matchPattern(new Map([["name", [pattern]]]), "name", "web")).toBe(expected);
  });

  test("an expression that explodes elsewhere takes no time", () => {
    const filters = new Map([["name", ["^(a+)+$"]]]);
    expect(matchPattern(filters, "name", `${"a".repeat(5000)}b`)).toBe(false);
  });
});

describe("matchLabels()", () => {
  test.each([
    ['{"label":["a"]}', true],
    ['{"label":["a=1"]}', true],
    ['{"label":["a=2"]}', false],
    ['{"label":["a","b=x=y"]}', true],
    ['{"label":["a","c"]}', false],
    ['{"label":["b="]}', false],
    ["{}", true],
  ])("%s for a=1, b=x=y", (text, expected) => {
    expect(matchLabels(parseFilters(text), "label", { a: "1", b: "x=y" })).toBe(expected);
  });

  test("nothing without labels has one", () => {
    expect(matchLabels(parseFilters('{"label":["a"]}'), "label", undefined)).toBe(false);
  });
});

test("matchPruneLabels() excludes by label!", () => {
  const filters = parseFilters('{"label":["a"],"label!":["keep"]}');
  expect(matchPruneLabels(filters, { a: "1" })).toBe(true);
  expect(matchPruneLabels(filters, { a: "1", keep: "" })).toBe(false);
  expect(matchPruneLabels(filters, {})).toBe(false);
});

describe("booleanFilter()", () => {
  test.each([
    ['{"dangling":["true"]}', true],
    ['{"dangling":["1"]}', true],
    ['{"dangling":["false"]}', false],
    ['{"dangling":["0","false"]}', false],
    ["{}", undefined],
  ])("%s", (text, expected) => {
    expect(booleanFilter(parseFilters(text), "dangling")).toBe(expected);
  });

  test.each([
    ['{"dangling":["x","y"]}', "invalid filter 'dangling=[x y]'"],
    ['{"dangling":["true","false"]}', "invalid filter 'dangling=[true false]'"],
    ['{"dangling":[]}', "invalid filter 'dangling'"],
  ])("refuses %s", (text, message) => {
    expect(() => booleanFilter(parseFilters(text), "dangling")).toThrow(new Error(message));
  });
});
