import { describe, expect, test } from "bun:test";
import { byPlatform, parsePlatform, platformRank, platformText } from "./platform.ts";

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

  test.each([
    ["a/b/c/d", '"a/b/c/d": cannot parse platform specifier: invalid argument'],
    ["nope", '"nope": unknown operating system or architecture: invalid argument'],
    ["", '"" is an invalid component of "": platform specifier component must match'],
    ["linux/", '"" is an invalid component of "linux/": platform specifier component must match'],
    ["linux/a b", '"a b" is an invalid component of "linux/a b": platform specifier component must match'],
    ["/amd64", '"" is an invalid component of "/amd64": platform specifier component must match'],
  ])("refuses '%s'", (text, message) => {
    expect(() => parsePlatform(text, HOST)).toThrow(message);
  });
});

describe("platformRank()", () => {
  const rank = (wanted: string, offered: string) => platformRank(offered, parsePlatform(wanted, HOST));

  test.each([
    ["linux/amd64", ["linux/amd64", "linux/386"], ["linux/amd64/v2", "linux/arm64", "windows/amd64"]],
    ["linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"], ["linux/amd64/v4"]],
    [
      "linux/arm64",
      ["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"],
      ["linux/arm64/v9"],
    ],
    ["linux/arm64/v9", ["linux/arm64/v9", "linux/arm64", "linux/arm/v8"], ["linux/amd64"]],
    ["linux/arm", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"], ["linux/arm/v8", "linux/arm64"]],
    ["linux/arm/v6", ["linux/arm/v6", "linux/arm/v5"], ["linux/arm/v7"]],
    ["linux/riscv64", ["linux/riscv64"], ["linux/amd64"]],
    ["linux/arm/strange", ["linux/arm/strange"], ["linux/arm/v7"]],
  ])("%s runs %p in this order, and not %p", (wanted, runs, not) => {
    expect(
      byPlatform(
        [...not, ...runs].toReversed().map((platform) => ({ platform })),
        parsePlatform(wanted, HOST),
      ).slice(0, runs.length),
    ).toEqual(runs.map((platform) => ({ platform })));
    for (const platform of not) expect(rank(wanted, platform)).toBeUndefined();
  });
});

test("platformText() leaves out what goes without saying", () => {
  expect(platformText({ os: "Linux", architecture: "aarch64", variant: "v8" })).toBe("linux/arm64");
  expect(platformText({ os: "linux", architecture: "arm", variant: "" })).toBe("linux/arm/v7");
});
