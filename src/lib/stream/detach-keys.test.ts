import { describe, expect, test } from "bun:test";
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from "./detach-keys.ts";

describe("parseDetachKeys()", () => {
  test.each([
    ["", [16, 17]],
    ["ctrl-p,ctrl-q", [16, 17]],
    ["ctrl-a,x", [1, 120]],
    ["ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,DEL", [0, 27, 28, 29, 30, 31, 127]],
  ])("reads %j", (text, keys) => {
    expect(parseDetachKeys(text)).toEqual(keys);
  });

  test.each(["ctrl-?", "ab", "ctrl-P", "a,", ",", "ctrl-", "ctrl-aa", "€"])("refuses %j", (text) => {
    expect(parseDetachKeys(text)).toBeUndefined();
  });
});

describe("DetachKeys", () => {
  const typed = (...inputs: number[][]) => {
    const keys = new DetachKeys(DEFAULT_DETACH_KEYS);
    return inputs.map((input) => {
      const { output, detached } = keys.scan(Uint8Array.from(input));
      return [[...output], detached];
    });
  };

  test("passes other input on", () => {
    expect(typed([97, 17, 98])).toEqual([[[97, 17, 98], false]]);
  });

  test("swallows the sequence, though it comes in pieces", () => {
    expect(typed([97, 16], [17, 98])).toEqual([
      [[97], false],
      [[], true],
    ]);
  });

  test("gives back a beginning that went on otherwise, and starts anew with the next key", () => {
    expect(typed([16], [98])).toEqual([
      [[], false],
      [[16, 98], false],
    ]);
    expect(typed([16, 16, 17])).toEqual([[[16], true]]);
  });
});
