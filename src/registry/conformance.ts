/** What every storage of the registry has to keep, and the distribution specification over it. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Digest } from "#api/oci";
import type { Clock } from "#lib/time";
import { TestClock } from "./_test-clock.ts";
import { chunksOf, digestOf, TestRegistry, textOf } from "./_testing.ts";
import { specificationSuite, uploadSuite } from "./conformance-specification.ts";
import type { RegistryStorage } from "./storage.ts";

/** One place where a registry can keep things, to be opened again and again. */
export interface Place extends AsyncDisposable {
  open(clock: Clock): Promise<RegistryStorage>;
  /** The names of everything that is kept of blobs and uploads; empty when nothing is. */
  files(): Promise<string[]>;
}

/** A place while a test uses it; reopened by `restart`, as after a crash. */
export interface Bench extends AsyncDisposable {
  readonly clock: TestClock;
  readonly place: Place;
  readonly storage: RegistryStorage;
  restart(): Promise<void>;
}

export function registrySuite(name: string, makePlace: () => Promise<Place>): void {
  const makeBench = async () => await openBench(await makePlace());
  describe(name, () => {
    describe("specification", () => specificationSuite(makeBench));
    describe("one test, one place", () => {
      const bench = new CurrentBench();
      beforeEach(async () => bench.take(await makeBench()));
      afterEach(() => bench[Symbol.asyncDispose]());
      describe("uploads", () => uploadSuite(bench));
      describe("blobs", () => blobSuite(bench));
      describe("metadata", () => metadataSuite(bench));
      describe("collector", () => collectorSuite(bench));
    });
  });
}

/** The bench of the test that runs: suites are declared before there is any. */
class CurrentBench implements Bench {
  #bench: Bench | undefined;

  take(bench: Bench): void {
    this.#bench = bench;
  }

  get clock(): TestClock {
    return this.#current.clock;
  }

  get place(): Place {
    return this.#current.place;
  }

  get storage(): RegistryStorage {
    return this.#current.storage;
  }

  restart(): Promise<void> {
    return this.#current.restart();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bench?.[Symbol.asyncDispose]();
    this.#bench = undefined;
  }

  get #current(): Bench {
    if (this.#bench === undefined) throw new Error("no test runs");
    return this.#bench;
  }
}

async function openBench(place: Place): Promise<Bench> {
  const clock = new TestClock();
  let storage = await place.open(clock);
  return {
    clock,
    place,
    get storage() {
      return storage;
    },
    async restart() {
      await storage[Symbol.asyncDispose]();
      storage = await place.open(clock);
    },
    async [Symbol.asyncDispose]() {
      await storage[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

function blobSuite(bench: Bench): void {
  const absent = digestOf("absent");
  const store = async (content: string, id = "one"): Promise<Digest> => {
    await bench.storage.blobs.startUpload(id);
    await bench.storage.blobs.append(id, chunksOf(content));
    await bench.storage.blobs.finishUpload(id, digestOf(content));
    return digestOf(content);
  };

  test("an upload becomes a blob", async () => {
    const { blobs } = bench.storage;
    await blobs.startUpload("one");
    expect(await blobs.uploadSize("one")).toBe(0);
    expect(await blobs.append("one", chunksOf("he", "", "l"))).toBe(3);
    expect(await blobs.append("one", chunksOf("lo"))).toBe(5);
    expect(await blobs.finishUpload("one", digestOf("hello"))).toEqual({ size: 5 });
    expect(await blobs.find(digestOf("hello"))).toBe(5);
    expect(await textOf(await blobs.body(digestOf("hello")))).toBe("hello");
    await expect(blobs.uploadSize("one")).rejects.toMatchObject({ kind: "not-found" });
  });

  test("a blob may have the name of its sha512, and be empty", async () => {
    const { blobs } = bench.storage;
    await blobs.startUpload("one");
    await blobs.append("one", chunksOf("hello"));
    await blobs.finishUpload("one", digestOf("hello", "sha512"));
    expect(await textOf(await blobs.body(digestOf("hello", "sha512")))).toBe("hello");
    const empty = await store("", "two");
    expect(await blobs.find(empty)).toBe(0);
    expect(await textOf(await blobs.body(empty))).toBe("");
  });

  test("body() gives a range, its end included, also across what was appended separately", async () => {
    const { blobs } = bench.storage;
    await blobs.startUpload("one");
    for (const part of ["012", "345", "6789"]) await blobs.append("one", chunksOf(part));
    const digest = digestOf("0123456789");
    await blobs.finishUpload("one", digest);
    for (const [start, end] of [
      [0, 0],
      [0, 9],
      [2, 3],
      [3, 5],
      [4, 8],
      [9, 9],
    ] as const)
      expect(await textOf(await blobs.body(digest, { start, end }))).toBe("0123456789".slice(start, end + 1));
  });

  test("finishUpload() refuses another digest, and nothing is left", async () => {
    const { blobs } = bench.storage;
    await blobs.startUpload("one");
    await blobs.append("one", chunksOf("hello"));
    await expect(blobs.finishUpload("one", absent)).rejects.toMatchObject({ kind: "invalid-parameter" });
    expect(await blobs.find(absent)).toBeUndefined();
    expect(await bench.place.files()).toEqual([]);
  });

  test("storing a blob twice is fine, and keeps it once", async () => {
    const digest = await store("hello", "one");
    const before = await bench.place.files();
    await store("hello", "two");
    expect(await textOf(await bench.storage.blobs.body(digest))).toBe("hello");
    expect(await bench.place.files()).toHaveLength(before.length);
  });

  test("what arrived before a source failed stays, and the failure is passed on", async () => {
    const { blobs } = bench.storage;
    await blobs.startUpload("one");
    async function* failing() {
      yield Buffer.from("hel");
      throw new RangeError("connection lost");
    }
    await expect(blobs.append("one", failing())).rejects.toThrow(RangeError);
    expect(await blobs.uploadSize("one")).toBe(3);
    await blobs.append("one", chunksOf("lo"));
    await blobs.finishUpload("one", digestOf("hello"));
  });

  test("an upload goes on after a restart", async () => {
    await bench.storage.blobs.startUpload("one");
    await bench.storage.blobs.append("one", chunksOf("hel"));
    await bench.restart();
    expect(await bench.storage.blobs.append("one", chunksOf("lo"))).toBe(5);
    expect(await bench.storage.blobs.finishUpload("one", digestOf("hello"))).toEqual({ size: 5 });
  });

  test("what is removed is gone", async () => {
    const digest = await store("hello");
    await bench.storage.blobs.startUpload("two");
    await bench.storage.blobs.append("two", chunksOf("more"));
    await bench.storage.blobs.remove(digest);
    await bench.storage.blobs.removeUpload("two");
    expect(await bench.storage.blobs.find(digest)).toBeUndefined();
    expect(await bench.place.files()).toEqual([]);
    await bench.storage.blobs.remove(digest);
    await bench.storage.blobs.removeUpload("two");
  });

  test("list() and listUploads() name everything", async () => {
    const digest = await store("hello");
    await bench.storage.blobs.startUpload("two");
    await bench.storage.blobs.append("two", chunksOf("x"));
    expect(await Array.fromAsync(bench.storage.blobs.list())).toEqual([digest]);
    expect(await Array.fromAsync(bench.storage.blobs.listUploads())).toEqual(["two"]);
  });

  test("absence is told apart", async () => {
    const { blobs } = bench.storage;
    expect(await blobs.find(absent)).toBeUndefined();
    await expect(blobs.uploadSize("none")).rejects.toMatchObject({ kind: "not-found" });
    await expect(blobs.append("none", chunksOf("x"))).rejects.toMatchObject({ kind: "not-found" });
    await expect(blobs.finishUpload("none", absent)).rejects.toMatchObject({ kind: "not-found" });
  });

  test("names that are none lead nowhere", async () => {
    const { blobs } = bench.storage;
    for (const id of ["..", "../sha256/x", "a/b", ""])
      await expect(blobs.uploadSize(id)).rejects.toMatchObject({ kind: "not-found" });
    for (const digest of ["sha256:../../x", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e"])
      await expect((async () => blobs.body(digest as Digest))()).rejects.toThrow();
  });
}

function metadataSuite(bench: Bench): void {
  const manifest = (content: string, more: object = {}) => ({
    digest: digestOf(content),
    mediaType: "application/x",
    bytes: Buffer.from(content),
    blobs: [],
    manifests: [],
    ...more,
  });

  test("everything is there after a restart", async () => {
    const { manifests } = bench.storage;
    manifests.linkBlob("a", digestOf("blob"), 4);
    manifests.linkBlob("a", digestOf("gone"), 4);
    manifests.putManifest("a", manifest("subject"), "one");
    const annotations = { key: "value" };
    manifests.putManifest(
      "a",
      manifest("m", { blobs: [digestOf("blob")], subject: digestOf("subject"), artifactType: "type/x", annotations }),
    );
    manifests.putManifest("a", manifest("index", { manifests: [digestOf("m")] }), "two");
    manifests.putManifest("a", manifest("other"), "three");
    manifests.startUpload("b", "upload");
    manifests.startUpload("b", "ended");
    manifests.unlinkBlob("a", digestOf("gone"));
    manifests.forgetBlob(digestOf("gone"));
    manifests.removeManifest("a", digestOf("other"));
    manifests.removeTag("a", "one");
    manifests.endUpload("ended");
    await manifests.durable();
    await bench.restart();
    const again = bench.storage.manifests;
    expect(again.repositories({ limit: 10 })).toEqual(["a"]);
    expect(again.tags("a", { limit: 10 })).toEqual(["two"]);
    expect(again.findTag("a", "two")).toBe(digestOf("index"));
    expect(again.findManifest("a", digestOf("other"))).toBeUndefined();
    expect(Buffer.from(again.findManifest("a", digestOf("m"))?.bytes ?? []).toString()).toBe("m");
    expect(again.referrers("a", digestOf("subject"), { limit: 10 })).toEqual([
      { mediaType: "application/x", digest: digestOf("m"), size: 1, artifactType: "type/x", annotations },
    ]);
    expect(again.findBlob("a", digestOf("blob"))).toEqual({ size: 4, isUsed: true });
    expect(again.knowsBlob(digestOf("gone"))).toBe(false);
    expect([again.hasUpload("b", "upload"), again.hasUpload("b", "ended")]).toEqual([true, false]);
    expect(again.usedBytes("a")).toBe(4 + "subject".length + "m".length + "index".length);
  });

  test("references are counted", () => {
    const { manifests } = bench.storage;
    const isUsed = (content: string) => manifests.isManifestUsed("a", digestOf(content));
    manifests.putManifest("a", manifest("about", { subject: digestOf("m") }));
    expect(isUsed("about")).toBe(false);
    manifests.putManifest("a", manifest("m"));
    expect([isUsed("about"), isUsed("m")]).toEqual([true, false]);
    manifests.putManifest("a", manifest("m"), "one");
    manifests.putManifest("a", manifest("m"), "two");
    manifests.putManifest("a", manifest("index", { manifests: [digestOf("m")] }));
    manifests.removeTag("a", "one");
    manifests.putManifest("a", manifest("index"), "two");
    expect([isUsed("m"), isUsed("index")]).toEqual([true, true]);
    manifests.removeManifest("a", digestOf("index"));
    expect(isUsed("m")).toBe(false);
    manifests.removeManifest("a", digestOf("m"));
    expect(isUsed("about")).toBe(false);
  });

  test("a blob that comes after its manifest is used by it", () => {
    const { manifests } = bench.storage;
    manifests.putManifest("a", manifest("m", { blobs: [digestOf("late"), digestOf("late")] }));
    manifests.linkBlob("a", digestOf("late"), 4);
    expect(manifests.findBlob("a", digestOf("late"))).toEqual({ size: 4, isUsed: true });
    manifests.removeManifest("a", digestOf("m"));
    expect(manifests.findBlob("a", digestOf("late"))).toEqual({ size: 4, isUsed: false });
  });

  test("repositories do not see one another's things", () => {
    const { manifests } = bench.storage;
    manifests.putManifest("a", manifest("m"), "one");
    manifests.linkBlob("a", digestOf("blob"), 4);
    manifests.startUpload("a", "upload");
    expect(manifests.findManifest("b", digestOf("m"))).toBeUndefined();
    expect(manifests.findTag("b", "one")).toBeUndefined();
    expect(manifests.findBlob("b", digestOf("blob"))).toBeUndefined();
    expect(manifests.hasUpload("b", "upload")).toBe(false);
    expect(manifests.removeManifest("b", digestOf("m"))).toBe(false);
  });

  test("what was read before a change is not what is read after it", () => {
    const { manifests } = bench.storage;
    manifests.putManifest("a", manifest("m"), "one");
    expect(manifests.findTag("a", "one")).toBe(digestOf("m"));
    expect(manifests.findManifest("a", digestOf("m"))).toBeDefined();
    manifests.putManifest("a", manifest("n"), "one");
    expect(manifests.findTag("a", "one")).toBe(digestOf("n"));
    manifests.removeManifest("a", digestOf("m"));
    expect(manifests.findManifest("a", digestOf("m"))).toBeUndefined();
    manifests.removeTag("a", "one");
    expect(manifests.findTag("a", "one")).toBeUndefined();
  });

  test("usedBytes() counts each blob once", () => {
    const { manifests } = bench.storage;
    manifests.linkBlob("a", digestOf("blob"), 4);
    manifests.linkBlob("a", digestOf("blob"), 4);
    manifests.putManifest("a", manifest("m"), "one");
    manifests.putManifest("a", manifest("m"), "two");
    expect(manifests.usedBytes("a")).toBe(5);
    manifests.unlinkBlob("a", digestOf("blob"));
    manifests.removeManifest("a", digestOf("m"));
    expect(manifests.usedBytes("a")).toBe(0);
    manifests.forgetEmptyRepositories();
    expect(manifests.hasRepository("a")).toBe(false);
  });
}

/** The collector's own interleavings stand in collect.test.ts; here it meets the storage. */
function collectorSuite(bench: Bench): void {
  test("what nothing refers to goes after the time of grace, what is used stays", async () => {
    const client = new TestRegistry(bench.storage, bench.clock, { settings: { graceMs: 1000, uploadExpiryMs: 1000 } });
    const kept = await client.pushImage("app", "one", "kept");
    await client.pushBlob("app", "never used");
    await client.request("POST", "/v2/app/blobs/uploads/");
    const removed = await client.pushImage("app", "two", "removed");
    await client.request("DELETE", `/v2/app/manifests/${removed}`);
    expect(await client.registry.collect()).toEqual({ uploads: 0, manifests: 0, blobs: 0, bytes: 0 });
    bench.clock.advance(1000);
    expect(await client.registry.collect({ sweep: true })).toEqual({
      uploads: 1,
      manifests: 0,
      blobs: 3,
      bytes: "never used".length + "config removed".length + "layer removed".length,
    });
    expect(await Array.fromAsync(bench.storage.blobs.list())).toHaveLength(2);
    await bench.restart();
    const again = new TestRegistry(bench.storage, bench.clock);
    expect((await again.request("GET", `/v2/app/manifests/${kept}`)).status).toBe(200);
    expect(await (await again.request("GET", `/v2/app/blobs/${digestOf("layer kept")}`)).text()).toBe("layer kept");
  });

  test("a sweep takes what a crash left, and no more", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    await client.pushImage("app", "one", "kept");
    await bench.storage.blobs.startUpload("stray");
    await bench.storage.blobs.append("stray", chunksOf("x"));
    await bench.storage.blobs.startUpload("unlinked");
    await bench.storage.blobs.append("unlinked", chunksOf("unlinked"));
    await bench.storage.blobs.finishUpload("unlinked", digestOf("unlinked"));
    expect(await client.registry.collect({ sweep: true })).toEqual({ uploads: 1, manifests: 0, blobs: 1, bytes: 8 });
    expect(await client.registry.collect({ sweep: true })).toEqual({ uploads: 0, manifests: 0, blobs: 0, bytes: 0 });
    expect(await (await client.request("GET", `/v2/app/blobs/${digestOf("layer kept")}`)).text()).toBe("layer kept");
  });
}
