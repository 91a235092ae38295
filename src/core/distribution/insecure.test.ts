import { describe, expect, test } from "bun:test";
import { isInsecure, parseInsecureRegistry } from "./insecure.ts";

const ADDRESSES: Record<string, string[]> = {
  "lab.test": ["10.1.2.3"],
  "home.test": ["127.0.0.1"],
  "six.test": ["fd00::1"],
};
const resolve = async (name: string) => ADDRESSES[name] ?? [];

describe("isInsecure()", () => {
  test.each<[string, string[], boolean]>([
    ["127.0.0.1:5000", [], true],
    ["127.9.9.9", [], true],
    ["[::1]:5000", [], true],
    ["home.test:5000", [], true],
    ["10.1.2.3:5000", [], false],
    ["lab.test", [], false],
    ["lab.test", ["10.0.0.0/8"], true],
    ["10.1.2.3:5000", ["10.0.0.0/8"], true],
    ["11.1.2.3:5000", ["10.0.0.0/8"], false],
    ["six.test", ["fd00::/8"], true],
    ["lab.test:5000", ["lab.test:5000"], true],
    ["lab.test:5000", ["lab.test"], false],
    ["nowhere.test", ["0.0.0.0/0"], false],
  ])("%s with %p: %p", async (host, entries, expected) => {
    expect(await isInsecure(host, entries, resolve)).toBe(expected);
  });
});

describe("parseInsecureRegistry()", () => {
  test.each([
    ["a.test", "a.test"],
    ["a.test:5000", "a.test:5000"],
    ["http://a.test:5000", "a.test:5000"],
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["::1/128", "::1/128"],
    ["[fd00::1]:5000", "[fd00::1]:5000"],
  ])("takes %s", (text, expected) => {
    expect(parseInsecureRegistry(text)).toBe(expected);
  });

  test.each(["https://", "a.test/path", "10.0.0.0/40", "10.0.0.0/", "", "a b", "-", "10.0.0.0/8/8"])(
    "refuses %p",
    (text) => {
      expect(() => parseInsecureRegistry(text)).toThrow(`insecure registry "${text}" is not valid`);
    },
  );
});
