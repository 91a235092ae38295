/** The collector among requests: whoever was told "it is here" finds it here. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "#api/oci";
import { TestClock } from "./_test-clock.ts";
import { digestOf, documentDescriptor, imageIndex, imageManifest, TestRegistry } from "./_testing.ts";
import { openFileStorage, type RegistryStorage } from "./storage.ts";

const GRACE_MS = 1000;

let root: string;
let storage: RegistryStorage;
let clock: TestClock;
let client: TestRegistry;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tug-registry-gc-"));
  clock = new TestClock();
  storage = await openFileStorage({ root, clock });
  client = new TestRegistry(storage, clock, { settings: { graceMs: GRACE_MS } });
});
afterEach(async () => {
  await storage[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** Bytes that no manifest uses, older than the time of grace. */
async function oldGarbage(content: string): Promise<Digest> {
  const digest = await client.pushBlob("app", content);
  clock.advance(GRACE_MS);
  return digest;
}

async function isWhole(repository: string, digest: Digest): Promise<boolean> {
  const response = await client.request("GET", `/v2/${repository}/blobs/${digest}`);
  return response.status === 200 && digestOf(await response.bytes()) === digest;
}

test("a blob that a client asked for is kept for another time of grace", async () => {
  const digest = await oldGarbage("asked for");
  expect((await client.request("HEAD", `/v2/app/blobs/${digest}`)).status).toBe(200);
  clock.advance(GRACE_MS - 1);
  expect((await client.registry.collect()).blobs).toBe(0);
  clock.advance(1);
  expect((await client.registry.collect()).blobs).toBe(1);
});

test("a blob whose manifest came at the last moment stays", async () => {
  await oldGarbage("config late");
  await client.pushBlob("app", "layer late");
  const collecting = client.registry.collect();
  const pushed = await client.putManifest("app", "late", imageManifest("late"));
  await collecting;
  // Either the collector was first, and the push was told so, or the image is whole.
  if (pushed.status === 201) expect(await isWhole("app", digestOf("config late"))).toBe(true);
  else expect(pushed.status).toBe(404);
});

test("a mount from a repository that is being collected is whole, or is an upload", async () => {
  for (let round = 0; round < 20; round++) {
    const digest = await oldGarbage(`mount ${round}`);
    const collecting = client.registry.collect();
    for (let turn = 0; turn < round % 5; turn++) await Promise.resolve();
    const mounted = await client.request("POST", `/v2/other/blobs/uploads/?mount=${digest}&from=app`);
    await collecting;
    expect([201, 202]).toContain(mounted.status);
    expect(await isWhole("other", digest)).toBe(mounted.status === 201);
  }
});

test("an upload of bytes that are being removed leaves them whole", async () => {
  for (let round = 0; round < 20; round++) {
    const digest = await oldGarbage(`again ${round}`);
    const collecting = client.registry.collect({ sweep: round % 2 === 0 });
    for (let turn = 0; turn < round; turn++) await Promise.resolve();
    await client.pushBlob("other", `again ${round}`);
    await collecting;
    expect(await isWhole("other", digest)).toBe(true);
  }
});

test("an upload that is stored while the bytes before it are removed waits for that", async () => {
  const digest = await oldGarbage("slow");
  const removing = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const { blobs } = storage;
  const slowly = new Proxy(blobs, {
    get(target, name) {
      if (name === "remove")
        return async (removed: Digest) => {
          removing.resolve();
          await goOn.promise;
          await target.remove(removed);
        };
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  client = new TestRegistry({ ...storage, blobs: slowly }, clock, { settings: { graceMs: GRACE_MS } });
  const collecting = client.registry.collect();
  await removing.promise;
  const pushing = client.pushBlob("app", "slow");
  goOn.resolve();
  await Promise.all([pushing, collecting]);
  expect(await isWhole("app", digest)).toBe(true);
});

test("an upload that goes on does not expire, one that lies still does", async () => {
  const settings = { uploadExpiryMs: 1000 };
  client = new TestRegistry(storage, clock, { settings });
  const begin = async () => (await client.request("POST", "/v2/app/blobs/uploads/")).headers.get("Location") ?? "";
  const [active, still] = [await begin(), await begin()];
  clock.advance(900);
  await client.request("PATCH", active, { body: "x" });
  clock.advance(100);
  expect((await client.registry.collect()).uploads).toBe(1);
  expect((await client.request("GET", active)).status).toBe(204);
  expect((await client.request("GET", still)).status).toBe(404);
});

test("manifests that nothing refers to go where that is wanted, an index before what it lists", async () => {
  const rule = { pattern: "app", settings: { untaggedAfterMs: 1000 } };
  client = new TestRegistry(storage, clock, { settings: { graceMs: GRACE_MS, repositories: [rule] } });
  const old = await client.pushImage("app", "v1", "old");
  const signature = imageManifest("old", { subject: documentDescriptor(imageManifest("old")) });
  await client.pushManifest("app", documentDescriptor(signature).digest, signature);
  await client.pushImage("kept", "v1", "old");
  const index = imageIndex(documentDescriptor(imageManifest("old")));
  await client.pushManifest("app", "v2", index);
  await client.pushImage("app", "v1", "new");
  await client.pushImage("kept", "v1", "new");
  await client.pushImage("app", "v2", "new");
  const removed = [];
  for (let pass = 0; pass < 4; pass++) {
    clock.advance(1000);
    removed.push((await client.registry.collect()).manifests);
  }
  // The index; the image that it listed; the signature of that.
  expect(removed).toEqual([1, 1, 1, 0]);
  expect((await client.request("GET", `/v2/app/manifests/${old}`)).status).toBe(404);
  expect((await client.request("GET", `/v2/kept/manifests/${old}`)).status).toBe(200);
  expect(await isWhole("kept", digestOf("layer old"))).toBe(true);
  expect((await client.request("GET", `/v2/app/blobs/${digestOf("layer old")}`)).status).toBe(404);
});

test("a repository that holds nothing is forgotten", async () => {
  await client.pushBlob("app", "x");
  await client.request("DELETE", `/v2/app/blobs/${digestOf("x")}`);
  expect((await client.request("GET", "/v2/app/tags/list")).status).toBe(200);
  await client.registry.collect();
  expect((await client.request("GET", "/v2/app/tags/list")).status).toBe(404);
  expect(await readdir(join(root, "sha256"))).toEqual([]);
});

test("what another store on the machine has is not stored again, and either may remove it", async () => {
  const shared = join(root, "daemon");
  await mkdir(shared);
  const digest = digestOf("both have it");
  const daemonFile = join(shared, digest.slice(7));
  await writeFile(daemonFile, "both have it");
  await using beside = await openFileStorage({
    root: join(root, "beside"),
    clock,
    shared: { path: (wanted) => join(shared, wanted.slice(7)) },
  });
  const neighbour = new TestRegistry(beside, clock, { settings: { graceMs: GRACE_MS } });
  await neighbour.pushBlob("app", "both have it");
  await neighbour.pushBlob("app", "only here");
  expect((await stat(daemonFile)).nlink).toBe(2);
  expect(await readdir(join(root, "beside", "uploads"))).toEqual([]);
  await unlink(daemonFile);
  expect(await (await neighbour.request("GET", `/v2/app/blobs/${digest}`)).text()).toBe("both have it");
  await link(join(root, "beside", "sha256", digest.slice(7)), daemonFile);
  clock.advance(GRACE_MS);
  expect((await neighbour.registry.collect()).blobs).toBe(2);
  expect(await readFile(daemonFile, "utf8")).toBe("both have it");
});
