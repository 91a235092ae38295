import { describe, expect, test } from "bun:test";
import type { Platform } from "#api/oci";
import type { Image } from "#core/images";
import { EngineError } from "#lib/errors";
import { explainExecFormat, imageFor, platformWarnings } from "./platform.ts";

function imageOf(platform: string): Image {
  const [os = "", architecture = "", variant] = platform.split("/");
  return { document: { os, architecture, ...(variant ? { variant } : {}) } } as Image;
}

describe("imageFor()", () => {
  test.each<[string, object]>([
    ["", {}],
    ["linux/arm64", { platform: { os: "linux", architecture: "arm64" } }],
    ["arm/v6", { platform: { os: "arm", architecture: "v6" } }],
    ["linux", { platform: { os: "linux", architecture: "amd64" } }],
  ])("asks for the platform %j", async (platform, expected) => {
    const asked: unknown[] = [];
    const get = async (reference: string, options?: { platform?: Platform }) => {
      asked.push(reference, options);
      return imageOf("linux/amd64");
    };
    const context = { images: { get }, host: { architecture: "x86_64" } } as never;
    await imageFor(context, { platform, config: { Image: "x" } });
    expect(asked).toEqual(["x", expected]);
  });
});

describe("platformWarnings()", () => {
  const warning = (image: string, asked: string) => platformWarnings(imageOf(image), { platform: asked }, "x86_64");

  test("warns of an image for another machine that nobody asked for", () => {
    expect(warning("linux/arm64/v8", "")).toEqual([
      "The requested image's platform (linux/arm64/v8) does not match the detected host platform (linux/amd64) and no specific platform was requested",
    ]);
  });

  test.each([
    ["linux/arm64", "linux/arm64"],
    ["linux/amd64", ""],
    ["linux/386", ""],
    ["linux/", ""],
  ])("an image for %s, asked for as %j, is no matter", (image, asked) => expect(warning(image, asked)).toEqual([]));
});

describe("explainExecFormat()", () => {
  const failed = new EngineError("internal", "exec /app: Exec format error", { data: { errno: "ENOEXEC" } });
  const explain = (cause: unknown, image?: string) =>
    explainExecFormat(cause, image === undefined ? undefined : imageOf(image), "x86_64") as EngineError;

  test("tells of binfmt where the image is for another machine", () => {
    const { message, data } = explain(failed, "linux/arm64");
    expect(message).toStartWith(
      "exec /app: Exec format error: the image is for linux/arm64 and this machine is linux/amd64: ",
    );
    expect(message).toContain("binfmt_misc");
    expect(data).toEqual({ errno: "ENOEXEC" });
  });

  test("tells of the missing interpreter elsewhere", () => {
    for (const image of ["linux/amd64", undefined]) expect(explain(failed, image).message).toContain("begins with #!");
  });

  test("leaves other failures alone", () => {
    const other = new Error("permission denied");
    expect<unknown>(explain(other, "linux/arm64")).toBe(other);
  });
});
