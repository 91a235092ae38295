import { describe, expect, test } from "bun:test";
import { Query } from "./query.ts";

describe("Query", () => {
  test.each([
    ["", false],
    ["a", false],
    ["a=", false],
    ["a=0", false],
    ["a=No", false],
    ["a=FALSE", false],
    ["a=none", false],
    ["a=1", true],
    ["a=off", true],
  ])("flag() reads %j as Docker does", (text, value) => {
    expect(new Query(text).flag("a")).toBe(value);
  });

  test("flag() of an absent parameter is what the caller says", () => {
    expect(new Query("").flag("a", true)).toBe(true);
  });

  test("text() and all() decode", () => {
    const query = new Query("a=x+y&a=%2Fz&b");
    expect(query.text("a")).toBe("x y");
    expect(query.all("a")).toEqual(["x y", "/z"]);
    expect(query.text("b")).toBe("");
  });

  test.each([
    ["n=5", 5],
    ["n=-1", -1],
    ["n=%2B7", 7],
    ["n=", undefined],
    ["", undefined],
  ])("integer() reads %j", (text, value) => {
    expect(new Query(text).integer("n")).toBe(value);
  });

  test.each(["n=x", "n=1.5", "n=0x1", "n=1e3"])("integer() refuses %j", (text) => {
    expect(() => new Query(text).integer("n")).toThrow("invalid syntax");
  });

  test("integer() refuses what no double holds", () => {
    expect(() => new Query("n=99999999999999999999").integer("n")).toThrow("value out of range");
  });
});
