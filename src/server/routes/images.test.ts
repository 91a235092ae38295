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
      { all: true, filters: new Map([["dangling", ["true"]]]), manifests: false },
      { all: false, filters: new Map([["reference", ["busybox"]]]), manifests: false },
    ]);
  });
});

const AMD64 = { os: "linux", architecture: "amd64" };
const ARM = { os: "linux", architecture: "arm", variant: "v7" };
const asQuery = (value: object) => encodeURIComponent(JSON.stringify(value));

describe("platforms by JSON", () => {
  /** What the store was asked for by a request. */
  async function asked(line: string): Promise<unknown[]> {
    const calls: unknown[][] = [];
    const record =
      <T>(result: T) =>
      async (...args: unknown[]) => {
        calls.push(args);
        return result;
      };
    const body = (async function* () {})();
    const images = { get: record(image()), history: record([]), save: record(body), remove: record([]) };
    await call(testApi({ images }).api, line);
    return calls[0] ?? [];
  }

  test.each([
    [`GET /images/x/json?platform=${asQuery(ARM)}`, ["x", { manifests: false, platform: ARM }]],
    [`GET /v1.48/images/x/json?platform=${asQuery(ARM)}`, ["x", { manifests: false }]],
    ["GET /images/x/json?manifests=1", ["x", { manifests: true }]],
    ["GET /v1.47/images/x/json?manifests=1", ["x", { manifests: false }]],
    [`GET /images/x/history?platform=${asQuery(AMD64)}`, ["x", { platform: AMD64 }]],
    [`GET /v1.47/images/x/history?platform=${asQuery(AMD64)}`, ["x", undefined]],
    [`GET /images/x/get?platform=${asQuery(AMD64)}`, [["x"], { platforms: [AMD64] }]],
    [
      `GET /images/get?names=x&names=y&platform=${asQuery(AMD64)}&platform=${asQuery(ARM)}`,
      [["x", "y"], { platforms: [AMD64, ARM] }],
    ],
    [`GET /v1.47/images/x/get?platform=${asQuery(AMD64)}`, [["x"], {}]],
    [
      `DELETE /images/x?platforms=${asQuery(AMD64)}&platforms=${asQuery(ARM)}`,
      ["x", { force: false, prune: true, platforms: [AMD64, ARM] }],
    ],
    [`DELETE /v1.49/images/x?platforms=${asQuery(AMD64)}`, ["x", { force: false, prune: true }]],
  ])("%s", async (line, call) => expect(await asked(line)).toEqual(call));

  test.each([
    ["GET /images/x/json?platform={}", "both OS and Architecture must be provided"],
    ["GET /images/x/json?platform=linux/amd64", 'failed to parse platform: "linux/amd64" is no JSON object'],
    [
      `GET /images/x/json?manifests=1&platform=${asQuery(AMD64)}`,
      "conflicting options: manifests and platform options cannot both be set",
    ],
    ["POST /images/load?platform=x", 'failed to parse platform: "x" is no JSON object'],
    ["DELETE /images/x?platforms=x", 'failed to parse platform: "x" is no JSON object'],
    ["POST /images/x/push?platform=x", 'failed to parse platform: "x" is no JSON object'],
  ])("%s is refused", async (line, message) => {
    const { api } = testApi();
    expect(await call(api, line)).toMatchObject({ status: 400, text: `${JSON.stringify({ message })}\n` });
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
    ["fromImage=busybox&tag=a%20b", 400, "invalid tag format"],
  ])("answers %j with %i", async (query, status, message) => {
    const { api } = importing();
    const answer = await call(api, `POST /images/create?${query}`);
    expect(answer).toMatchObject({ status, text: `${JSON.stringify({ message })}\n` });
  });
});

describe("pull and push", () => {
  const AUTH = { "x-registry-auth": Buffer.from('{"username":"u","password":"p"}').toString("base64url") };

  function transfers(...lines: (Progress | Error)[]) {
    const asked: unknown[] = [];
    const transfer = (reference: string, { signal: _, ...options }: { signal?: AbortSignal }) => {
      asked.push([reference, options]);
      return progress(...lines);
    };
    return { api: testApi({ images: { pull: transfer, push: transfer } }).api, asked };
  }

  const HEX = "0123456789abcdef".repeat(4);
  test.each([
    ["/images/create?fromImage=busybox&tag=1", ["docker.io/library/busybox:1", {}]],
    ["/images/create?fromImage=a/b:old&tag=new", ["docker.io/a/b:new", {}]],
    ["/images/create?fromImage=a/b:1", ["docker.io/a/b:1", {}]],
    [`/images/create?fromImage=a&tag=sha256:${HEX}`, [`docker.io/library/a@sha256:${HEX}`, {}]],
    [`/images/create?fromImage=a:1@sha256:${HEX}`, [`docker.io/library/a:1@sha256:${HEX}`, {}]],
    ["/images/create?fromImage=a", ["docker.io/library/a", { allTags: true }]],
    ["/images/create?fromImage=r.test:5000/a:", ["r.test:5000/a", { allTags: true }]],
    ["/images/create?fromImage=a:1&platform=linux/arm64", ["docker.io/library/a:1", { platform: "linux/arm64" }]],
    ["/images/create?fromImage=a:1&allPlatforms=1", ["docker.io/library/a:1", { allPlatforms: true }]],
  ])("POST %s pulls", async (path, [reference, options]) => {
    const { api, asked } = transfers({ status: "Pulling from a", id: "1" });
    const answer = await call(api, `POST ${path}`, { headers: AUTH });
    expect(answer).toMatchObject({ status: 200, text: '{"status":"Pulling from a","id":"1"}\r\n' });
    const credentials = { username: "u", password: "p" };
    expect(asked).toEqual([[reference, { allTags: false, allPlatforms: false, credentials, ...(options as object) }]]);
  });

  test.each([
    ["/images/r.test/a/push?tag=1", ["r.test/a:1", { allTags: false }]],
    ["/images/r.test/a:1/push", ["r.test/a:1", { allTags: false }]],
    ["/images/r.test/a:1/push?tag=2", ["r.test/a:2", { allTags: false }]],
    ["/images/r.test/a/push", ["r.test/a", { allTags: true }]],
    [`/images/a/push?tag=1&platform=${asQuery(ARM)}`, ["docker.io/library/a:1", { allTags: false, platform: ARM }]],
    ["/v1.45/images/a/push?tag=1&platform=any", ["docker.io/library/a:1", { allTags: false }]],
  ])("POST %s pushes", async (path, call_) => {
    const { api, asked } = transfers({ status: "Preparing" });
    expect(await call(api, `POST ${path}`)).toMatchObject({ status: 200 });
    expect(asked).toEqual([call_]);
  });

  test.each(["/images/create?fromImage=a&tag=1", "/images/a/push?tag=1"])(
    "POST %s tells a failure by its status first, in the stream later",
    async (path) => {
      const refusal = new EngineError("not-found", "manifest unknown");
      expect(await call(transfers(refusal).api, `POST ${path}`)).toMatchObject({ status: 404 });
      expect(await call(transfers({ status: "a" }, refusal).api, `POST ${path}`)).toMatchObject({
        status: 200,
        text: '{"status":"a"}\r\n{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}\r\n',
      });
    },
  );

  test("a client that hangs up cancels a pull", async () => {
    const hangUp = new AbortController();
    let seen: AbortSignal | undefined;
    const pull = (_: string, { signal }: { signal?: AbortSignal }) => {
      seen = signal;
      return progress({ status: "a" });
    };
    await call(testApi({ images: { pull } }).api, "POST /images/create?fromImage=a", { signal: hangUp.signal });
    hangUp.abort();
    expect(seen?.aborted).toBe(true);
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
  const listed = image({ document: { architecture: "", os: "", rootfs: layers }, layerBytes: [7], sizeBytes: 7 });
  const { api } = testApi({
    images: {
      list: async () => [listed],
      diskUsage: async () => ({ totalBytes: 20, images: new Map([[listed.id, { bytes: 9, sharedBytes: 2 }]]) }),
    },
    containers: { list: async () => [container()], size: async () => ({ rw: 1, rootFs: 8 }) },
  });

  test("shows all kinds by default", async () => {
    expect(JSON.parse((await call(api, "GET /system/df")).text)).toMatchObject({
      LayersSize: 20,
      Images: [{ Containers: 1, SharedSize: 2, Size: 9 }],
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
