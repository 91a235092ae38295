import { describe, expect, test } from "bun:test";
import type { Containers, PathStat, PutArchiveOptions } from "#core/containers";
import { EngineError } from "#lib/errors";
import { call, testApi } from "../_testing.ts";

const STAT: PathStat = {
  name: "sh",
  size: 7,
  mode: 0o120777,
  modifiedAt: "2023-11-14T22:13:20Z",
  linkTarget: "/bin/busybox",
};
/** As a Docker 28.5 tells of the same link. */
const HEADER = Buffer.from(
  '{"name":"sh","size":7,"mode":134218239,"mtime":"2023-11-14T22:13:20Z","linkTarget":"/bin/busybox"}',
).toString("base64");

const apiOver = (containers: Partial<Containers>) => testApi({ containers }).api;

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

describe("GET /containers/{id}/changes", () => {
  test("numbers the kinds", async () => {
    const api = apiOver({
      changes: async (reference) => [
        { path: `/${reference}`, kind: "modified" },
        { path: "/b", kind: "added" },
        { path: "/c", kind: "deleted" },
      ],
    });
    const text = '[{"Path":"/x","Kind":0},{"Path":"/b","Kind":1},{"Path":"/c","Kind":2}]\n';
    expect(await call(api, "GET /containers/x/changes")).toMatchObject({ status: 200, text });
  });

  test("is null for none", async () => {
    expect((await call(apiOver({ changes: async () => [] }), "GET /containers/x/changes")).text).toBe("null\n");
  });
});

test("GET /containers/{id}/export sends the archive as it comes", async () => {
  const answer = await call(apiOver({ export: async () => pieces("ab", "c") }), "GET /containers/x/export");
  expect(answer).toMatchObject({ status: 200, text: "abc" });
  expect(answer.headers["Content-Type"]).toBe("application/octet-stream");
});

describe("/containers/{id}/archive", () => {
  const asked: string[] = [];
  const api = apiOver({
    statPath: async (reference, path) => {
      asked.push(`${reference} ${path}`);
      return STAT;
    },
    getArchive: async () => ({ stat: STAT, tar: pieces("tar") }),
  });

  test("HEAD tells what is there", async () => {
    const answer = await call(api, "HEAD /containers/x/archive?path=%2Fbin%2Fs%20h");
    expect(answer).toMatchObject({ status: 200, text: "", headers: { "X-Docker-Container-Path-Stat": HEADER } });
    expect(asked).toEqual(["x /bin/s h"]);
  });

  test("GET has that in its head, too", async () => {
    const answer = await call(api, "GET /containers/x/archive?path=/bin/sh");
    const headers = { "X-Docker-Container-Path-Stat": HEADER, "Content-Type": "application/x-tar" };
    expect(answer).toMatchObject({ status: 200, text: "tar", headers });
  });

  test.each([
    ["", { chownToUser: false, keepKinds: false }],
    ["&copyUIDGID=1&noOverwriteDirNonDir=true", { chownToUser: true, keepKinds: true }],
    ["&copyUIDGID=0&noOverwriteDirNonDir=false", { chownToUser: false, keepKinds: false }],
  ])("PUT hands on the body and %p", async (query, expected) => {
    const puts: PutArchiveOptions[] = [];
    let body = "";
    const putting = apiOver({
      putArchive: async (_, __, options) => {
        puts.push(options);
        for await (const piece of options.tar) body += piece.toString();
      },
    });
    const answer = await call(putting, `PUT /containers/x/archive?path=/x${query}`, { body: "tar" });
    expect(answer).toMatchObject({ status: 200, text: "" });
    expect(puts).toMatchObject([expected]);
    expect(body).toBe("tar");
  });

  test.each(["HEAD", "GET", "PUT"])("%s wants a path", async (method) => {
    for (const query of ["", "?path="]) {
      const { status, text } = await call(api, `${method} /containers/x/archive${query}`);
      expect([status, text]).toEqual([400, '{"message":"bad parameter: pathcannot be empty"}\n']);
    }
    expect((await call(api, `${method} /containers/x/archive?path=a%00b`)).status).toBe(400);
  });

  test("a failure before the first byte has a status of its own", async () => {
    const failing = apiOver({
      getArchive: () => Promise.reject(new EngineError("not-found", "Could not find the file /x in container y")),
    });
    expect(await call(failing, "GET /containers/y/archive?path=/x")).toMatchObject({ status: 404 });
  });
});
