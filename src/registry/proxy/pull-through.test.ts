import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, MEDIA_TYPES } from "#api/oci";
import { type Database, openDatabase } from "#lib/db";
import { EngineError } from "#lib/errors";
import { createLogger } from "#lib/log";
import { TestClock } from "../_test-clock.ts";
import { digestOf, TestRegistry } from "../_testing.ts";
import { openFileStorage, type RegistryStorage } from "../storage.ts";
import { BlobFetches } from "./blob-fetches.ts";
import { CacheRecords, PROXY_MIGRATIONS } from "./cache-records.ts";
import { createPullThrough, type PullThrough } from "./pull-through.ts";
import { routeFor, type UpstreamRoute, type UpstreamSource } from "./source.ts";

const TTL_MS = 60_000;

/** Another registry, in memory, which can be cut off. */
class FakeUpstream implements UpstreamSource {
  readonly asked: string[] = [];
  readonly tags = new Map<string, Digest>();
  readonly documents = new Map<Digest, Uint8Array>();
  readonly blobs = new Map<Digest, Uint8Array>();
  isDown = false;
  /** What the next blob does before its second half. */
  midway: (signal: AbortSignal) => Promise<void> = async () => undefined;

  push(name: string, tag: string, content: string): { digest: Digest; layer: Digest } {
    const [config, layer] = [`config ${content}`, `layer ${content}`].map((text) => {
      const bytes = Buffer.from(text);
      this.blobs.set(digestOf(bytes), bytes);
      return { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.byteLength };
    });
    const document = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [layer] }),
    );
    const digest = digestOf(document);
    this.documents.set(digest, document);
    this.tags.set(`${name}:${tag}`, digest);
    return { digest, layer: layer!.digest };
  }

  async resolve(repository: string, reference: string): Promise<Digest | undefined> {
    this.#note(`resolve ${repository} ${reference}`);
    if (reference.startsWith("sha256:"))
      return this.documents.has(reference as Digest) ? (reference as Digest) : undefined;
    return this.tags.get(`${repository}:${reference}`);
  }

  async manifest(repository: string, digest: Digest) {
    this.#note(`manifest ${repository}`);
    const bytes = this.documents.get(digest);
    return bytes && { bytes, mediaType: MEDIA_TYPES.ociManifest };
  }

  async *blob(repository: string, { digest, size }: { digest: Digest; size: number }, signal: AbortSignal) {
    this.#note(`blob ${repository}`);
    const bytes = this.blobs.get(digest) ?? new Uint8Array(size);
    yield bytes.subarray(0, size >> 1);
    await this.midway(signal);
    yield bytes.subarray(size >> 1);
  }

  #note(question: string): void {
    this.asked.push(question);
    if (this.isDown) throw new EngineError("unavailable", "connection refused");
  }
}

let root: string;
let clock: TestClock;
let storage: RegistryStorage;
let database: Database;
let upstream: FakeUpstream;
let cache: PullThrough;
let registry: TestRegistry;
let logged: string[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "tug-proxy-"));
  clock = new TestClock();
  storage = await openFileStorage({ root, clock });
  database = openDatabase(join(root, "proxy.db"), PROXY_MIGRATIONS);
  upstream = new FakeUpstream();
  logged = [];
  const routes: UpstreamRoute[] = [{ prefix: "hub", source: upstream, ttlMs: TTL_MS }];
  const content = () => registry.registry.content;
  const log = createLogger({
    level: "debug",
    format: "text",
    now: () => new Date(0),
    write: (line) => void logged.push(line),
  });
  const fetches = await BlobFetches.open({
    folder: join(root, "proxy"),
    routes,
    store: ({ repository, digest }, source) => content().putBlob(repository, digest, source),
    newId: () => crypto.randomUUID(),
    report: (error) => void logged.push(String(error)),
  });
  cache = createPullThrough({ routes, content, records: new CacheRecords(database), fetches, clock, log });
  registry = new TestRegistry(storage, clock, { upstream: cache, settings: { graceMs: 0 } });
});
afterEach(async () => {
  database[Symbol.dispose]();
  await storage[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

async function get(path: string): Promise<Response> {
  return await registry.request("GET", `/v2/${path}`);
}

test("routeFor() takes the longest prefix, and only whole parts of a name", () => {
  const route = (prefix: string): UpstreamRoute => ({ prefix, source: upstream, ttlMs: 0 });
  const routes = [route("docker.io"), route("docker.io/team")];
  expect(routeFor(routes, "docker.io/library/busybox")).toMatchObject({ name: "library/busybox" });
  expect(routeFor(routes, "docker.io/team/app")).toMatchObject({ route: { prefix: "docker.io/team" }, name: "app" });
  expect(routeFor(routes, "docker.iox/app")).toBeUndefined();
  expect(routeFor(routes, "docker.io")).toBeUndefined();
  expect(routeFor([route("")], "any/thing")).toMatchObject({ name: "any/thing" });
});

describe("manifests", () => {
  test("a tag is fetched once and believed for its time, then asked for again", async () => {
    const { digest } = upstream.push("app", "v1", "one");
    for (let i = 0; i < 3; i++) {
      const response = await get("hub/app/manifests/v1");
      expect([response.status, response.headers.get("Docker-Content-Digest")]).toEqual([200, digest]);
    }
    expect(upstream.asked).toEqual(["resolve app v1", "manifest app"]);
    clock.advance(TTL_MS);
    expect((await get("hub/app/manifests/v1")).status).toBe(200);
    expect(upstream.asked.slice(2)).toEqual(["resolve app v1"]);
    expect(cache.counts).toEqual({ hits: 2, revalidated: 1, misses: 1, stale: 0, failed: 0 });
  });

  test("a tag that has moved is followed", async () => {
    upstream.push("app", "v1", "one");
    await get("hub/app/manifests/v1");
    const { digest } = upstream.push("app", "v1", "two");
    expect((await get("hub/app/manifests/v1")).headers.get("Docker-Content-Digest")).not.toBe(digest);
    clock.advance(TTL_MS);
    expect((await get("hub/app/manifests/v1")).headers.get("Docker-Content-Digest")).toBe(digest);
  });

  test("what has a digest is never asked for again", async () => {
    const { digest } = upstream.push("app", "v1", "one");
    await get(`hub/app/manifests/${digest}`);
    clock.advance(10 * TTL_MS);
    expect((await get(`hub/app/manifests/${digest}`)).status).toBe(200);
    expect(upstream.asked).toHaveLength(2);
  });

  test("many clients at once are one question", async () => {
    upstream.push("app", "v1", "one");
    const responses = await Promise.all(Array.from({ length: 50 }, () => get("hub/app/manifests/v1")));
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(upstream.asked).toEqual(["resolve app v1", "manifest app"]);
  });

  test("what is not there is not there, and what was taken away upstream is gone after its time", async () => {
    expect((await get("hub/app/manifests/v1")).status).toBe(404);
    expect((await get(`hub/app/manifests/${digestOf("none")}`)).status).toBe(404);
    upstream.push("app", "v1", "one");
    expect((await get("hub/app/manifests/v1")).status).toBe(200);
    upstream.tags.clear();
    clock.advance(TTL_MS);
    expect((await get("hub/app/manifests/v1")).status).toBe(404);
  });

  test("what is here is served with a warning when upstream is down", async () => {
    upstream.push("app", "v1", "one");
    await get("hub/app/manifests/v1");
    upstream.isDown = true;
    clock.advance(TTL_MS);
    const stale = await get("hub/app/manifests/v1");
    expect([stale.status, stale.headers.get("Warning")]).toEqual([200, expect.stringMatching(/^299 - "/)]);
    expect(logged.join()).toContain("upstream cannot be asked");
    expect(cache.counts.stale).toBe(1);
    expect((await get("hub/app/manifests/v2")).status).toBe(503);
    upstream.isDown = false;
    expect((await get("hub/app/manifests/v1")).headers.get("Warning")).toBeNull();
  });

  test("pushes and deletions are refused there, and repositories elsewhere are ours", async () => {
    const put = (name: string) => registry.request("POST", `/v2/${name}/blobs/uploads/`);
    expect((await put("hub/app")).status).toBe(405);
    expect((await registry.request("DELETE", "/v2/hub/app/manifests/v1")).status).toBe(405);
    expect((await put("own/app")).status).toBe(202);
    expect((await get("own/app/manifests/v1")).status).toBe(404);
    expect(upstream.asked).toEqual([]);
  });

  test("bytes of another digest are refused", async () => {
    const { digest } = upstream.push("app", "v1", "one");
    upstream.documents.set(digest, Buffer.from('{"schemaVersion":2}'));
    expect((await get("hub/app/manifests/v1")).status).toBeGreaterThanOrEqual(400);
    expect(registry.registry.content.hasManifest("hub/app", digest)).toBe(false);
  });
});

describe("blobs", () => {
  test("a blob is given to all who want it while it is stored once, and then comes from here", async () => {
    const { layer } = upstream.push("app", "v1", "one");
    await get("hub/app/manifests/v1");
    const gate = Promise.withResolvers<void>();
    upstream.midway = () => gate.promise;
    const first = await get(`hub/app/blobs/${layer}`);
    const reader = first.body!.getReader();
    // Half of it arrives before upstream has sent the rest.
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("laye");
    const followers = await Promise.all(Array.from({ length: 20 }, () => get(`hub/app/blobs/${layer}`)));
    const texts = followers.map((response) => response.text());
    gate.resolve();
    expect(new Set(await Promise.all(texts))).toEqual(new Set(["layer one"]));
    let rest = "";
    for (let read = await reader.read(); !read.done; read = await reader.read())
      rest += new TextDecoder().decode(read.value);
    expect(rest).toBe("r one");
    expect(upstream.asked.filter((question) => question.startsWith("blob"))).toHaveLength(1);
    upstream.isDown = true;
    expect(await (await get(`hub/app/blobs/${layer}`)).text()).toBe("layer one");
    expect(readdirSync(join(root, "proxy"))).toEqual([]);
  });

  test("headers tell digest and size; HEAD fetches nothing", async () => {
    const { layer } = upstream.push("app", "v1", "one");
    await get("hub/app/manifests/v1");
    const head = await registry.request("HEAD", `/v2/hub/app/blobs/${layer}`);
    expect([head.status, head.headers.get("Content-Length"), head.headers.get("Docker-Content-Digest")]).toEqual([
      200,
      "9",
      layer,
    ]);
    expect(upstream.asked.filter((question) => question.startsWith("blob"))).toEqual([]);
  });

  test("damaged content ends as an error for the client and is not kept", async () => {
    const { layer } = upstream.push("app", "v1", "one");
    await get("hub/app/manifests/v1");
    upstream.blobs.set(layer, Buffer.from("layer 0ne"));
    await expect((await get(`hub/app/blobs/${layer}`)).text()).rejects.toThrow();
    expect(registry.registry.content.hasBlob("hub/app", layer)).toBe(false);
    upstream.blobs.set(layer, Buffer.from("layer one"));
    expect(await (await get(`hub/app/blobs/${layer}`)).text()).toBe("layer one");
  });

  test("a transfer that breaks ends as an error, and the next client begins anew", async () => {
    const { layer } = upstream.push("app", "v1", "one");
    await get("hub/app/manifests/v1");
    upstream.midway = () => Promise.reject(new EngineError("unavailable", "connection reset"));
    await expect((await get(`hub/app/blobs/${layer}`)).text()).rejects.toThrow("connection reset");
    expect(logged.join()).toContain("connection reset");
    upstream.midway = async () => undefined;
    expect(await (await get(`hub/app/blobs/${layer}`)).text()).toBe("layer one");
  });

  test("a transfer that nobody waits for any more is given up", async () => {
    const { layer } = upstream.push("app", "v1", "one");
    await get("hub/app/manifests/v1");
    const givenUp = Promise.withResolvers<void>();
    upstream.midway = (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          givenUp.resolve();
          reject(signal.reason);
        });
      });
    const patience = new AbortController();
    const found = await cache.blob("hub/app", layer, patience.signal);
    const reader = found!.body.getReader();
    await reader.read();
    const waiting = reader.read();
    patience.abort(new Error("hung up"));
    await expect(waiting).rejects.toThrow("hung up");
    await givenUp.promise;
    while (readdirSync(join(root, "uploads")).length > 0) await Bun.sleep(1);
    expect(registry.registry.content.hasBlob("hub/app", layer)).toBe(false);
  });

  test("a blob that no manifest from there refers to is unknown", async () => {
    const { layer } = upstream.push("app", "v1", "one");
    expect((await get(`hub/app/blobs/${layer}`)).status).toBe(404);
    await get("hub/app/manifests/v1");
    expect((await get(`hub/other/blobs/${layer}`)).status).toBe(404);
  });
});

describe("evict()", () => {
  test("forgets what nobody has used for longest, and the collector takes its blobs", async () => {
    const pushed = ["one", "two", "three"].map((name) => upstream.push(name, "v1", name));
    for (const [index, name] of ["one", "two", "three"].entries()) {
      await get(`hub/${name}/manifests/v1`);
      await (await get(`hub/${name}/blobs/${pushed[index]!.layer}`)).text();
      clock.advance(120_000);
    }
    // Used again, so it is not the oldest any more.
    await get(`hub/one/manifests/${pushed[0]!.digest}`);
    const has = () =>
      ["one", "two", "three"].map((name, index) =>
        registry.registry.content.hasManifest(`hub/${name}`, pushed[index]!.digest),
      );
    expect(await cache.evict(1_000_000)).toBe(0);
    const total = new CacheRecords(database).totalBytes();
    expect(await cache.evict(total - 1)).toBe(1);
    expect(has()).toEqual([true, false, true]);
    clock.advance(1);
    expect((await registry.registry.collect()).blobs).toBe(1);
    expect(await cache.evict(0)).toBe(2);
    expect(has()).toEqual([false, false, false]);
    expect(new CacheRecords(database).totalBytes()).toBe(0);
  });
});
