import { describe, expect, test } from "bun:test";
import type { ImageListOptions, ImportOptions, Progress } from "#core/images";
import type { DiffID } from "#core/snapshots";
import { EngineError } from "#lib/errors";
import { call, container, image, testApi } from "../_testing.ts";

async function* progress(...lines: (Progress | Error)[]): AsyncGenerator<Progress> {
  for (const line of lines) {
    if (line instanceof Error) throw line;
    yield line;
  }
}

describe("GET /images/json", () => {
  test.each([
    ["/v1.51/images/json", { Containers: 1, SharedSize: -1 }],
    ["/v1.50/images/json", { Containers: -1, SharedSize: -1 }],
    ["/v1.51/images/json?shared-size=1", { Containers: 1, SharedSize: 0 }],
    ["/v1.41/images/json?shared-size=1", { Containers: -1, SharedSize: -1 }],
  ])("%s counts %j", async (path, counts) => {
    const { api } = testApi({
      images: { list: async () => [image()] },
      containers: { list: async () => [container()] },
    });
    expect(JSON.parse((await call(api, `GET ${path}`)).text)).toMatchObject([counts]);
  });

  test("asks for what the filters, and old clients' pattern, say", async () => {
    const asked: ImageListOptions[] = [];
    const list = async (options: ImageListOptions) => {
      asked.push(options);
      return [];
    };
    const { api } = testApi({ images: { list } });
    await call(api, 'GET /images/json?all=1&filters={"dangling":["true"]}');
    await call(api, "GET /v1.40/images/json?filter=busybox");
    expect(asked).toEqual([
      { all: true, filters: new Map([["dangling", ["true"]]]) },
      { all: false, filters: new Map([["reference", ["busybox"]]]) },
    ]);
  });
});

describe("platforms by JSON", () => {
  const { api } = testApi({ images: { get: async () => image(), history: async () => [] } });
  const named = (platform: object) => encodeURIComponent(JSON.stringify(platform));

  test("finds the image of the platform", async () => {
    const answer = await call(api, `GET /images/x/json?platform=${named({ os: "linux", architecture: "amd64" })}`);
    expect(answer.status).toBe(200);
  });

  test.each(["json", "history", "get"])("does not find another platform at /images/x/%s", async (what) => {
    const answer = await call(api, `GET /images/x/${what}?platform=${named({ os: "linux", architecture: "arm64" })}`);
    const message =
      "image with reference x was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)";
    expect(answer).toMatchObject({ status: 404, text: `${JSON.stringify({ message })}\n` });
  });

  test.each([
    ["{}", "both OS and Architecture must be provided"],
    ["linux/amd64", 'failed to parse platform: "linux/amd64" is no JSON object'],
  ])("refuses %s", async (platform, message) => {
    const answer = await call(api, `GET /images/x/json?platform=${encodeURIComponent(platform)}`);
    expect(answer).toMatchObject({ status: 400, text: `${JSON.stringify({ message })}\n` });
  });
});

describe("POST /images/load", () => {
  test("tells what happens line by line", async () => {
    const received: string[] = [];
    const { api } = testApi({
      images: {
        load: async function* (archive, { quiet }) {
          for await (const chunk of archive) received.push(Buffer.from(chunk).toString());
          yield* progress({ stream: `quiet: ${quiet}\n` }, { stream: "Loaded <a>\n" });
        },
      },
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await call(api, "POST /images/load?quiet=0", { body: "a=tar&of=sorts", headers });
    expect(answer).toMatchObject({
      status: 200,
      text: '{"stream":"quiet: false\\n"}\r\n{"stream":"Loaded \\u003ca\\u003e\\n"}\r\n',
      headers: { "Content-Type": "application/json" },
    });
    expect(received).toEqual(["a=tar&of=sorts"]);
  });

  test("tells of a failure in the stream", async () => {
    const { api } = testApi({ images: { load: () => progress({ status: "reading" }, new Error("unexpected EOF")) } });
    expect(await call(api, "POST /images/load")).toMatchObject({
      status: 200,
      text: '{"status":"reading"}\r\n{"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"}\r\n',
    });
  });
});

describe("POST /images/create", () => {
  function importing(lines: (Progress | Error)[] = [{ status: "sha256:1" }]) {
    const asked: { tar: string; options: Omit<ImportOptions, "signal"> }[] = [];
    const parts = testApi({
      images: {
        import: async function* (tar, { signal: _, ...options }) {
          asked.push({ tar: Buffer.concat(await Array.fromAsync(tar)).toString(), options });
          yield* progress(...lines);
        },
      },
      fetch: (async (url: string) =>
        url.endsWith("/missing") ? new Response("", { status: 404 }) : new Response(`from ${url}`)) as typeof fetch,
    });
    return { api: parts.api, asked };
  }

  test("imports a root filesystem from the body", async () => {
    const { api, asked } = importing();
    const query = "fromSrc=-&repo=a/b:old&tag=new&message=m&changes=CMD+sh&changes=USER+1&platform=linux/arm64";
    const answer = await call(api, `POST /images/create?${query}`, { body: "tar" });
    expect(answer).toMatchObject({ status: 200, text: '{"status":"sha256:1"}\r\n' });
    const options = { repository: "docker.io/a/b", tag: "new", message: "m", changes: ["CMD sh", "USER 1"] };
    expect(asked).toEqual([{ tar: "tar", options: { ...options, platform: "linux/arm64" } }]);
  });

  test("imports from a URL, and says where an import without a message came from", async () => {
    const { api, asked } = importing();
    const answer = await call(api, "POST /images/create?fromSrc=files.test/root.tar");
    expect(answer.text).toStartWith('{"status":"Downloading from files.test/root.tar"}\r\n');
    expect(asked).toEqual([
      {
        tar: "from http://files.test/root.tar",
        options: { message: "Imported from files.test/root.tar", changes: [] },
      },
    ]);
  });

  test("answers with a status to what fails before anything happened", async () => {
    const { api } = importing([new EngineError("invalid-parameter", "bad change")]);
    expect(await call(api, "POST /images/create?fromSrc=-")).toMatchObject({ status: 400 });
  });

  test.each([
    ["fromSrc=http://files.test/missing", 503, 'import "http://files.test/missing": the server answered 404'],
    ["", 400, "either fromImage or fromSrc is needed to create an image"],
    ["fromImage=scratch", 403, "'scratch' is a reserved name"],
    ["fromImage=UP", 400, "invalid reference format: repository name (library/UP) must be lowercase"],
    [
      "fromImage=busybox&tag=1",
      501,
      "pull docker.io/library/busybox:1: pulling needs registry support, which is not in this version of tug: load the image from an archive (docker load), or import its root filesystem (docker import)",
    ],
  ])("answers %j with %i", async (query, status, message) => {
    const { api } = importing();
    const answer = await call(api, `POST /images/create?${query}`);
    expect(answer).toMatchObject({ status, text: `${JSON.stringify({ message })}\n` });
  });
});

test.each([
  ["repo=a/b&tag=1", "docker.io/a/b:1"],
  ["repo=a:old&tag=new", "docker.io/library/a:new"],
  ["repo=registry.test:5000/a", "registry.test:5000/a"],
])("POST /images/x/y/tag?%s tags", async (query, target) => {
  const tagged: string[][] = [];
  const { api } = testApi({ images: { tag: async (...names) => void tagged.push(names) } });
  expect((await call(api, `POST /images/x/y/tag?${query}`)).status).toBe(201);
  expect(tagged).toEqual([["x/y", target]]);
});

test.each([
  ["", { force: false, prune: true }],
  ["?force=1&noprune=1", { force: true, prune: false }],
])("DELETE /images/a/b%s", async (query, expected) => {
  const removed: unknown[] = [];
  const { api } = testApi({
    images: {
      remove: async (...details) => {
        removed.push(details);
        return [{ Untagged: "a/b:latest" }];
      },
    },
  });
  expect(await call(api, `DELETE /images/a/b${query}`)).toMatchObject({ text: '[{"Untagged":"a/b:latest"}]\n' });
  expect(removed).toEqual([["a/b", expected]]);
});

test.each([
  ["/images/get?names=a&names=b", ["a", "b"]],
  ["/images/a/b:1/get", ["a/b:1"]],
])("GET %s saves", async (path, names) => {
  const saved: (readonly string[])[] = [];
  const { api } = testApi({
    images: {
      save: async (references) => {
        saved.push(references);
        return (async function* () {
          yield Buffer.from("tar");
        })();
      },
    },
  });
  const answer = await call(api, `GET ${path}`);
  expect(answer).toMatchObject({ status: 200, text: "tar", headers: { "Content-Type": "application/x-tar" } });
  expect(saved).toEqual([names]);
});

test("POST /images/prune answers null for nothing", async () => {
  const { api } = testApi({ images: { prune: async () => ({ deleted: [], reclaimedBytes: 0 }) } });
  expect((await call(api, "POST /images/prune")).text).toBe('{"ImagesDeleted":null,"SpaceReclaimed":0}\n');
});

describe("GET /system/df", () => {
  const layers = { type: "layers" as const, diff_ids: ["sha256:a" as DiffID] };
  const { api } = testApi({
    images: {
      list: async () => [
        image({ document: { architecture: "", os: "", rootfs: layers }, layerBytes: [7], sizeBytes: 7 }),
      ],
      layersSize: async () => 7,
    },
    containers: { list: async () => [container()], size: async () => ({ rw: 1, rootFs: 8 }) },
  });

  test("shows all kinds by default", async () => {
    expect(JSON.parse((await call(api, "GET /system/df")).text)).toMatchObject({
      LayersSize: 7,
      Images: [{ Containers: 1, SharedSize: 0, Size: 7 }],
      Containers: [{ SizeRw: 1, SizeRootFs: 8 }],
      Volumes: [],
      BuildCache: [],
    });
  });

  test("shows the kinds asked for", async () => {
    const answer = await call(api, "GET /system/df?type=volume&type=build-cache");
    expect(answer.text).toBe('{"LayersSize":0,"Images":null,"Containers":null,"Volumes":[],"BuildCache":[]}\n');
  });

  test("refuses other kinds", async () => {
    expect(await call(api, "GET /system/df?type=nope")).toMatchObject({
      status: 400,
      text: '{"message":"unknown object type: nope"}\n',
    });
  });
});
