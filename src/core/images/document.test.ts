import { describe, expect, test } from "bun:test";
import { parseImageDocument } from "./document.ts";

const ROOTFS = { type: "layers", diff_ids: [`sha256:${"a".repeat(64)}`] };

function parse(document: unknown) {
  return parseImageDocument(Buffer.from(JSON.stringify(document)));
}

describe("parseImageDocument()", () => {
  test("keeps what it knows and drops nulls and the unknown", () => {
    const config = { Env: ["A=b"], Cmd: null, Labels: null, Hostname: "x", Healthcheck: { Test: ["NONE"], Odd: 1 } };
    const document = parse({ architecture: "amd64", os: "linux", odd: {}, author: null, config, rootfs: ROOTFS });
    expect<unknown>(document).toEqual({
      architecture: "amd64",
      os: "linux",
      config: { Env: ["A=b"], Healthcheck: { Test: ["NONE"] } },
      rootfs: ROOTFS,
    });
  });

  test("an image without layers and without a platform is one", () => {
    expect<unknown>(parse({ rootfs: { type: "layers" } })).toEqual({
      architecture: "",
      os: "",
      rootfs: { type: "layers", diff_ids: [] },
    });
  });

  test.each<[string, unknown]>([
    ["a list", []],
    ["null", null],
    ["no rootfs", { os: "linux" }],
    ["another rootfs", { rootfs: { type: "layers+base" } }],
    ["a diffID that is none", { rootfs: { ...ROOTFS, diff_ids: ["sha256:a"] } }],
    ["a diffID of another algorithm", { rootfs: { ...ROOTFS, diff_ids: [`sha512:${"a".repeat(128)}`] } }],
    ["a number for an architecture", { architecture: 1, rootfs: ROOTFS }],
    ["a text for a command", { config: { Cmd: "sh" }, rootfs: ROOTFS }],
    ["a list for labels", { config: { Labels: ["a"] }, rootfs: ROOTFS }],
    ["a text for a port", { config: { ExposedPorts: { "80/tcp": "x" } }, rootfs: ROOTFS }],
    ["a fraction for an interval", { config: { Healthcheck: { Interval: 1.5 } }, rootfs: ROOTFS }],
    ["a text for the history", { history: "x", rootfs: ROOTFS }],
    ["a text in the history", { history: ["x"], rootfs: ROOTFS }],
  ])("refuses %s", (_name, document) => {
    expect(() => parse(document)).toThrow(/^invalid image JSON, /);
  });

  test("refuses what is no JSON", () => {
    expect(() => parseImageDocument(Buffer.from("{"))).toThrow(/^invalid image JSON, /);
  });
});
