import { expect, test } from "bun:test";
import { compareVersions, MAX_API_VERSION, negotiate } from "./version.ts";

test("compareVersions() compares numbers, not text", () => {
  expect(compareVersions("1.9", "1.10")).toBeLessThan(0);
  expect(compareVersions("1.51", "1.51")).toBe(0);
  expect(compareVersions("2", "1.99")).toBeGreaterThan(0);
});

test("negotiate() takes the older of the two, and refuses engines that are too old", () => {
  expect(negotiate("1.44")).toBe("1.44");
  expect(negotiate("1.99")).toBe(MAX_API_VERSION);
  expect(negotiate("")).toBe("1.24");
  expect(() => negotiate("1.12")).toThrow("the engine's API version 1.12 is too old");
});
