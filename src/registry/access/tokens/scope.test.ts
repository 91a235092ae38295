import { expect, test } from "bun:test";
import { formatScopes, isGranted, narrow, parseScopes } from "./scope.ts";

test.each([
  [["repository:team/app:pull"], [{ type: "repository", name: "team/app", actions: ["pull"] }]],
  [["repository:team/app:pull,push,pull"], [{ type: "repository", name: "team/app", actions: ["pull", "push"] }]],
  [["repository(plugin):team/app:pull"], [{ type: "repository", name: "team/app", actions: ["pull"] }]],
  [["repository:host:5000/app:*"], [{ type: "repository", name: "host:5000/app", actions: ["*"] }]],
  [["registry:catalog:*"], [{ type: "registry", name: "catalog", actions: ["*"] }]],
  [
    ["repository:a:pull repository:b:push", "repository:c:pull"],
    [
      { type: "repository", name: "a", actions: ["pull"] },
      { type: "repository", name: "b", actions: ["push"] },
      { type: "repository", name: "c", actions: ["pull"] },
    ],
  ],
  [["", "repository", "repository:a", "repository:a:", ":a:pull", "repository:a:PULL"], []],
])("parseScopes(%j)", (texts, expected) => {
  expect<unknown>(parseScopes(texts)).toEqual(expected);
});

test("parseScopes() reads a limited number", () => {
  expect(parseScopes([Array(1000).fill("repository:a:pull").join(" ")])).toHaveLength(64);
});

test("formatScopes() writes what parseScopes() reads", () => {
  const text = formatScopes([{ repository: "a/b", actions: ["pull", "push"] }, { registry: "catalog" }]);
  expect(text).toBe("repository:a/b:pull,push registry:catalog:*");
});

test.each([
  [[{ type: "repository", name: "a", actions: ["pull", "push"] }], true],
  [[{ type: "repository", name: "a", actions: ["*"] }], true],
  [
    [
      { type: "repository", name: "a", actions: ["pull"] },
      { type: "repository", name: "a", actions: ["push"] },
    ],
    true,
  ],
  [[{ type: "repository", name: "a", actions: ["pull"] }], false],
  [[{ type: "repository", name: "a/b", actions: ["pull", "push"] }], false],
  [[{ type: "registry", name: "a", actions: ["pull", "push"] }], false],
  [[], false],
])("isGranted(%j) to pull and push a: %p", (entries, expected) => {
  expect(isGranted(entries, { type: "repository", name: "a", actions: ["pull", "push"] })).toBe(expected);
});

test("narrow() keeps what may be had, and nothing unknown", () => {
  const wish = { type: "repository", name: "a", actions: ["pull", "push", "admin"] };
  expect(narrow(wish, new Set(["pull"]))).toEqual({ ...wish, actions: ["pull"] });
  expect(narrow({ ...wish, actions: ["*"] }, new Set(["pull", "delete"]))).toEqual({
    ...wish,
    actions: ["pull", "delete"],
  });
  expect(narrow(wish, new Set(["delete"]))).toBeUndefined();
});
