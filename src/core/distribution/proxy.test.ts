import { describe, expect, test } from "bun:test";
import { proxyFor } from "./proxy.ts";

const PROXIES = { http: "http://plain.test:3128", https: "secure.test:3129" };

describe("proxyFor()", () => {
  test.each<[string, string, string | undefined]>([
    ["http://a.test/", "", "http://plain.test:3128"],
    ["https://a.test/", "", "http://secure.test:3129"],
    ["https://localhost:5000/", "", undefined],
    ["https://127.3.2.1/", "", undefined],
    ["https://[::1]/", "", undefined],
    ["https://a.test/", "*", undefined],
    ["https://a.test/", "b.test, a.test", undefined],
    ["https://sub.a.test/", "a.test", undefined],
    ["https://sub.a.test/", ".a.test", undefined],
    ["https://sub.a.test/", "*.a.test", undefined],
    ["https://a.test/", ".a.test", "http://secure.test:3129"],
    ["https://ba.test/", "a.test", "http://secure.test:3129"],
    ["https://A.test/", "a.TEST", undefined],
    ["https://a.test:5000/", "a.test:5000", undefined],
    ["https://a.test:5001/", "a.test:5000", "http://secure.test:3129"],
    ["https://a.test/", "a.test:443", undefined],
    ["https://10.1.2.3/", "10.0.0.0/8", undefined],
    ["https://11.1.2.3/", "10.0.0.0/8", "http://secure.test:3129"],
    ["https://[fd00::1]/", "fd00::/8", undefined],
    ["https://[fd00::1]:5000/", "fd00::1", undefined],
    ["https://a.test/", "10.0.0.0/99,/,:,.", "http://secure.test:3129"],
  ])("%s without %p: %p", (url, no, expected) => {
    expect(proxyFor(new URL(url), { ...PROXIES, no })).toBe(expected as string);
  });

  test("is none when none is configured", () => {
    expect(proxyFor(new URL("https://a.test/"), { http: "x", https: "", no: "" })).toBeUndefined();
  });
});
