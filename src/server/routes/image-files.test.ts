import { describe, expect, test } from "bun:test";
import { decodePathStat, type ImageExplanation, type ImageFile } from "#api/engine";
import type { ImageExplorer } from "#core/images";
import { EngineError } from "#lib/errors";
import { call, testApi } from "../_testing.ts";

type Asked = readonly [verb: string, ...rest: unknown[]];

const FILE = { Path: "/etc/passwd", Name: "passwd" } as ImageFile;
const STAT = { name: "etc", size: 0, mode: 2 ** 31 + 0o755, mtime: "2026-01-01T00:00:00Z", linkTarget: "" };

/** An explorer that notes what it is asked. */
function asking(): { api: ReturnType<typeof testApi>["api"]; asked: Asked[] } {
  const asked: Asked[] = [];
  const note = (verb: string, names: string[], options: { signal: AbortSignal }) => {
    const { signal: _, ...rest } = options;
    asked.push([verb, ...names, rest]);
  };
  const explorer: ImageExplorer = {
    async explain(name, options) {
      note("explain", [name], options);
      return { Id: "sha256:1" } as ImageExplanation;
    },
    async compare(name, other, options) {
      note("compare", [name, other], options);
      return {} as never;
    },
    async files(name, options) {
      note("files", [name], options);
      return (async function* () {
        yield FILE;
        yield FILE;
      })();
    },
    async archive(name, options) {
      note("archive", [name], options);
      if (options.path === "/no") throw new EngineError("not-found", "no such file");
      return { stat: STAT, tar: inPieces("ta", "r") };
    },
  };
  return { api: testApi({ explorer }).api, asked };
}

async function* inPieces(...pieces: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

const ARM = encodeURIComponent('{"os":"linux","architecture":"arm64"}');
const platform = { os: "linux", architecture: "arm64" };

describe("images are explored", () => {
  test.each([
    ["GET /images/a/b:1/explain", ["explain", "a/b:1", {}]],
    [
      `GET /v1.51/images/x/explain?layer=2&path=/etc&platform=${ARM}`,
      ["explain", "x", { layer: 2, path: "/etc", platform }],
    ],
    ["GET /images/x/compare?with=host:5000/y", ["compare", "x", "host:5000/y", {}]],
    ["GET /images/x/files", ["files", "x", { path: "/", recursive: false, layers: false }]],
    [
      "GET /images/x/files?path=/etc&recursive=1&layers=true",
      ["files", "x", { path: "/etc", recursive: true, layers: true }],
    ],
    ["GET /images/x/archive?path=/etc", ["archive", "x", { path: "/etc" }]],
    ["HEAD /images/x/archive?path=/etc", ["archive", "x", { path: "/etc" }]],
  ])("%s", async (request, expected) => {
    const { api, asked } = asking();
    expect((await call(api, request)).status).toBe(200);
    expect(asked).toEqual([expected as unknown as Asked]);
  });

  test.each([
    ["GET /images/x/explain?layer=two", 500],
    ["GET /images/x/explain?platform=arm", 400],
    ["GET /images/x/compare", 400],
    ["GET /images/x/archive", 400],
    ["GET /images/x/archive?path=/no", 404],
  ])("%s is refused", async (request, status) => {
    expect((await call(asking().api, request)).status).toBe(status);
  });

  test("files come as a JSON object a line", async () => {
    const answer = await call(asking().api, "GET /images/x/files");
    expect(answer.headers["Content-Type"]).toBe("application/x-ndjson");
    expect(answer.text).toBe(`${JSON.stringify(FILE)}\n`.repeat(2));
  });

  test("an archive tells what its path is", async () => {
    const answer = await call(asking().api, "GET /images/x/archive?path=/etc");
    expect(answer).toMatchObject({ text: "tar", headers: { "Content-Type": "application/x-tar" } });
    expect(decodePathStat(answer.headers["X-Docker-Container-Path-Stat"])).toEqual(STAT);
  });
});
