import { describe, expect, test } from "bun:test";
import { parseChallenges } from "./challenge.ts";

function parsed(header: string): [string, Record<string, string>][] {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe("parseChallenges()", () => {
  test.each<[string, [string, Record<string, string>][]]>([
    ['Basic realm="x"', [["basic", { realm: "x" }]]],
    [
      'Bearer realm="https://auth.test/token",service="r",scope="repository:a/b:pull,push"',
      [["bearer", { realm: "https://auth.test/token", service: "r", scope: "repository:a/b:pull,push" }]],
    ],
    [
      'Basic realm="a b", Bearer realm="c" , service = d',
      [
        ["basic", { realm: "a b" }],
        ["bearer", { realm: "c", service: "d" }],
      ],
    ],
    [
      "Negotiate, Basic realm=x",
      [
        ["negotiate", {}],
        ["basic", { realm: "x" }],
      ],
    ],
    [
      "Negotiate YWJj==, Basic realm=x",
      [
        ["negotiate", {}],
        ["basic", { realm: "x" }],
      ],
    ],
    ['BEARER Realm="q\\"uote\\\\d"', [["bearer", { realm: 'q"uote\\d' }]]],
    ["bearer a=1,a=2", [["bearer", { a: "1" }]]],
    [",, ,Basic", [["basic", {}]]],
    ["", []],
    ["=", []],
    ['Bearer realm="never ends', [["bearer", {}]]],
    ["\u0000Bearer", []],
  ])("%p", (header, expected) => {
    expect(parsed(header)).toEqual(expected);
  });

  test("does not look at a header without end", () => {
    expect(parseChallenges(`Basic realm="${"x".repeat(20_000)}"`)).toEqual([]);
  });
});
