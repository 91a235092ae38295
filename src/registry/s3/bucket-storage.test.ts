import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Server } from "#fixtures";
import { createLogger } from "#lib/log";
import { TestClock } from "../_test-clock.ts";
import { chunksOf, digestOf, imageManifest, TestRegistry } from "../_testing.ts";
import type { RegistryStorage } from "../storage.ts";
import type { BucketOptions } from "./bucket.ts";
import { openS3Storage } from "./storage.ts";

const CREDENTIALS = { accessKeyId: "test-key", secretAccessKey: "test/secret+key" };

let server: S3Server;
let folder: string;
let logged: string[];
const clock = new TestClock();

beforeEach(async () => {
  server = new S3Server(CREDENTIALS);
  folder = await mkdtemp(join(tmpdir(), "tug-registry-s3-"));
  logged = [];
});
afterEach(async () => {
  server[Symbol.dispose]();
  await rm(folder, { recursive: true, force: true });
});

let machines = 0;
function open(more: Partial<BucketOptions> = {}): Promise<RegistryStorage> {
  return openS3Storage({
    bucket: { ...CREDENTIALS, endpoint: server.endpoint, bucket: "images", fetch, ...more },
    cacheFolder: join(folder, `machine-${machines++}`),
    clock,
    log: createLogger({
      level: "info",
      format: "text",
      now: () => new Date(0),
      write: (line) => void logged.push(line),
    }),
    newId: () => crypto.randomUUID(),
  });
}

const keys = (prefix: string) => [...server.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
const failing = (part: string, method: string, status = 503) => {
  server.fail = (asked, key) => (asked === method && key.includes(part) ? status : undefined);
};
const healthy = () => {
  server.fail = () => undefined;
};

test("openS3Storage() refuses a bucket that it may not use", async () => {
  await expect(open({ secretAccessKey: "wrong" })).rejects.toMatchObject({
    kind: "unavailable",
    message: 'write "writer" in bucket "images": SignatureDoesNotMatch',
  });
});

test("what was acknowledged is there on another machine, without the first one's goodbye", async () => {
  const client = new TestRegistry(await open(), clock);
  const digest = await client.pushImage("app", "v1", "one");
  const successor = new TestRegistry(await open(), clock);
  const response = await successor.request("GET", "/v2/app/manifests/v1");
  expect(response.headers.get("Docker-Content-Digest")).toBe(digest);
  expect(await response.text()).toBe(JSON.stringify(imageManifest("one")));
  expect(await (await successor.request("GET", `/v2/app/blobs/${digestOf("layer one")}`)).text()).toBe("layer one");
});

test("the registry that opened the bucket first acknowledges nothing any more", async () => {
  const first = new TestRegistry(await open(), clock);
  await first.pushImage("app", "v1", "one");
  const second = new TestRegistry(await open(), clock);
  const refused = await first.request("POST", "/v2/app/blobs/uploads/");
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({
    errors: [{ code: "UNAVAILABLE", message: expect.stringContaining("another registry writes to this bucket") }],
  });
  await second.pushImage("app", "v2", "two");
});

test("a registry that has lost the bucket removes nothing of it", async () => {
  const first = new TestRegistry(await open(), clock);
  const second = new TestRegistry(await open(), clock);
  await second.pushImage("app", "v1", "one");
  const before = keys("");
  await expect(first.registry.collect({ sweep: true })).rejects.toMatchObject({ kind: "unavailable" });
  expect(keys("")).toEqual(before);
});

test("of two that believe to be the writer only one gets its change in", async () => {
  const first = await open();
  const writer = server.objects.get("writer");
  const second = await open();
  second.manifests.linkBlob("app", digestOf("b"), 1);
  await second.manifests.durable();
  // As if the first had asked who writes before the second came.
  if (writer !== undefined) server.objects.set("writer", writer);
  first.manifests.linkBlob("app", digestOf("a"), 1);
  await expect(first.manifests.durable()).rejects.toMatchObject({ kind: "unavailable" });
  expect(keys("journal/")).toHaveLength(1);
});

test("a change that cannot be written down is not acknowledged, and goes in with the next", async () => {
  const storage = await open();
  failing("journal/", "PUT");
  storage.manifests.linkBlob("app", digestOf("a"), 1);
  await expect(storage.manifests.durable()).rejects.toMatchObject({ kind: "unavailable" });
  healthy();
  storage.manifests.linkBlob("app", digestOf("b"), 1);
  await storage.manifests.durable();
  expect((await open()).manifests.usedBytes("app")).toBe(2);
});

test("an answer that was lost does not make two changes of one", async () => {
  let answers = 0;
  const storage = await open({
    async fetch(url, init) {
      const response = await fetch(url, init);
      answers += 1;
      if (answers === 1) throw new TypeError("connection reset");
      return response;
    },
  });
  storage.manifests.linkBlob("app", digestOf("a"), 1);
  await expect(storage.manifests.durable()).rejects.toMatchObject({ kind: "unavailable" });
  storage.manifests.linkBlob("app", digestOf("b"), 1);
  await storage.manifests.durable();
  const successor = await open();
  expect(successor.manifests.usedBytes("app")).toBe(2);
  expect(keys("journal/")).toEqual(["journal/0000000000000001", "journal/0000000000000002"]);
});

test("those who wait at the same time wait for one object", async () => {
  const storage = await open();
  await Promise.all(
    Array.from({ length: 50 }, (_, at) => {
      storage.manifests.linkBlob("app", digestOf(`blob ${at}`), 1);
      return storage.manifests.durable();
    }),
  );
  expect(keys("journal/").length).toBeLessThanOrEqual(2);
  expect((await open()).manifests.usedBytes("app")).toBe(50);
});

test("a snapshot takes the place of the journal before it", async () => {
  const storage = await open();
  const big = (at: number) => ({
    digest: digestOf(`${at}`),
    mediaType: "application/x",
    bytes: Buffer.alloc(2 * 1024 * 1024, at),
    blobs: [],
    manifests: [],
  });
  for (let at = 0; at < 6; at++) {
    storage.manifests.putManifest("app", big(at), `tag${at}`);
    await storage.manifests.durable();
  }
  await storage[Symbol.asyncDispose]();
  expect(keys("snapshots/")).toHaveLength(1);
  expect(keys("journal/").length).toBeLessThan(6);
  const successor = await open();
  expect(successor.manifests.tags("app", { limit: 10 })).toHaveLength(6);
  expect(successor.manifests.usedBytes("app")).toBe(6 * 2 * 1024 * 1024);
  successor.manifests.removeTag("app", "tag0");
  await successor.manifests.durable();
  expect((await open()).manifests.tags("app", { limit: 10 })).toHaveLength(5);
  expect(logged).toEqual([]);
});

test("a snapshot that cannot be written is told, and the journal stays", async () => {
  const storage = await open();
  failing("snapshots/", "PUT");
  const bytes = Buffer.alloc(4 * 1024 * 1024);
  const manifest = { digest: digestOf(bytes), mediaType: "application/x", bytes, blobs: [], manifests: [] };
  storage.manifests.putManifest("app", manifest, "big");
  await storage.manifests.durable();
  await storage[Symbol.asyncDispose]();
  expect(logged.join()).toContain("write snapshot");
  healthy();
  expect((await open()).manifests.tags("app", { limit: 10 })).toEqual(["big"]);
});

for (const [what, text] of [
  ["no journal", "hello"],
  ["later than it may", '{"writer":"x"}\n{"seq":5,"change":{"kind":"end-upload","id":"x"}}'],
])
  test(`openS3Storage() refuses a journal that is ${what}`, async () => {
    server.objects.set("journal/0000000000000001", {
      bytes: new Uint8Array(Buffer.from(text ?? "")),
      modified: new Date(),
    });
    await expect(open()).rejects.toMatchObject({ kind: "failed-precondition" });
  });

/** Every request of finishing or removing is the last one of the process, once. */
for (const what of ["finishing", "removing"] as const)
  test(`a crash at any request of ${what} leaves a blob that is whole, or none, and nothing else after a sweep`, async () => {
    for (let crashAt = 0; ; crashAt++) {
      server.objects.clear();
      const storage = await open();
      const { blobs } = storage;
      const digest = digestOf("hello");
      await blobs.startUpload("one");
      await blobs.append("one", chunksOf("hel"));
      await blobs.append("one", chunksOf("lo"));
      if (what === "removing") await blobs.finishUpload("one", digest);
      let requests = 0;
      server.fail = (method) => (method !== "GET" && method !== "HEAD" && requests++ >= crashAt ? 403 : undefined);
      const isDone = await (what === "finishing" ? blobs.finishUpload("one", digest) : blobs.remove(digest)).then(
        () => true,
        () => false,
      );
      healthy();
      const successor = await open();
      const found = await successor.blobs.find(digest);
      expect([undefined, 5]).toContain(found);
      if (found !== undefined) {
        // The next upload of the same bytes takes over what is there, whatever is swept then.
        await successor.blobs.startUpload("two");
        await successor.blobs.append("two", chunksOf("hello"));
        await successor.blobs.finishUpload("two", digest);
        successor.manifests.linkBlob("app", digest, 5);
      }
      await new TestRegistry(successor, clock).registry.collect({ sweep: true });
      if (found === undefined) expect(keys("data/")).toEqual([]);
      else expect(await new Response(await successor.blobs.body(digest)).text()).toBe("hello");
      expect(keys("uploads/")).toEqual([]);
      if (isDone) break;
    }
  });

test("a large blob goes in pieces and comes back as it was", async () => {
  const { blobs } = await open();
  const chunk = Buffer.alloc(1024 * 1024, "0123456789abcdef");
  await blobs.startUpload("one");
  expect(await blobs.append("one", chunksOf(...Array.from({ length: 40 }, () => chunk)))).toBe(40 * 1024 * 1024);
  const digest = digestOf(Buffer.concat(Array.from({ length: 40 }, () => chunk)));
  await blobs.finishUpload("one", digest);
  expect(keys("data/")).toHaveLength(1);
  expect(server.requests.filter((request) => request.endsWith("?uploadId")).length).toBeGreaterThan(2);
  expect(digestOf(await new Response(await blobs.body(digest)).bytes())).toBe(digest);
});

test("blobs are fetched from the bucket itself where that is wanted", async () => {
  const client = new TestRegistry(await open(), clock, { settings: { redirectBlobs: true } });
  const digest = await client.pushBlob("app", "hello");
  const response = await client.request("GET", `/v2/app/blobs/${digest}`);
  expect(response.status).toBe(307);
  expect(await (await fetch(response.headers.get("Location") ?? "")).text()).toBe("hello");
});

test("a failing bucket is said to be unavailable, and the same requests work later", async () => {
  const client = new TestRegistry(await open(), clock);
  failing("data/", "PUT", 500);
  const location = (await client.request("POST", "/v2/app/blobs/uploads/")).headers.get("Location") ?? "";
  expect((await client.request("PATCH", location, { body: "hello" })).status).toBe(503);
  healthy();
  expect((await client.request("GET", location)).headers.get("Range")).toBe("0-0");
  expect((await client.request("PATCH", location, { body: "hello" })).status).toBe(202);
  expect((await client.request("PUT", `${location}?digest=${digestOf("hello")}`)).status).toBe(201);
});
