import { describe, expect, test } from "bun:test";
import { parsePlatform } from "./platform.ts";

const HOST = { os: "linux", architecture: "amd64" };

describe("parsePlatform()", () => {
  test.each<[string, object]>([
    ["linux/amd64", { os: "linux", architecture: "amd64" }],
    ["linux", { os: "linux", architecture: "amd64" }],
    ["arm64", { os: "linux", architecture: "arm64" }],
    ["linux/aarch64", { os: "linux", architecture: "arm64" }],
    ["linux/arm64/v8", { os: "linux", architecture: "arm64" }],
    ["linux/x86_64", { os: "linux", architecture: "amd64" }],
    ["linux/amd64/v3", { os: "linux", architecture: "amd64", variant: "v3" }],
    ["linux/arm", { os: "linux", architecture: "arm", variant: "v7" }],
    ["linux/arm/6", { os: "linux", architecture: "arm", variant: "v6" }],
    ["linux/armel", { os: "linux", architecture: "arm", variant: "v6" }],
    ["Windows/AMD64", { os: "windows", architecture: "amd64" }],
  ])("%s", (text, platform) => {
    expect<object>(parsePlatform(text, HOST)).toEqual(platform);
  });

  test.each(["", "a/b/c/d", "linux/", "linux/a b", "/amd64"])("refuses '%s'", (text) => {
    expect(() => parsePlatform(text, HOST)).toThrow(/unknown operating system or architecture/);
  });
});
