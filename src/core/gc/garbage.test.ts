import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "#api/oci";
import { type ContentStore, createContentStore, digestOf } from "#core/content";
import type { ChainID } from "#core/snapshots";
import { Background } from "#lib/async";
import { createGarbageCollector, type GarbageCollector } from "./garbage.ts";

let folder: string;
let content: ContentStore;
let used: Set<Digest>;
let retained: ReadonlySet<ChainID>[];
let errors: unknown[];
let background: Background;
let collector: GarbageCollector;

const CHAIN = "sha256:chain" as ChainID;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-gc-"));
  content = await createContentStore(folder);
  used = new Set();
  retained = [];
  errors = [];
  background = new Background((_name, error) => errors.push(error));
  collector = createGarbageCollector({
    content,
    background,
    snapshots: {
      retainChains: async (chains) => {
        retained.push(chains);
      },
    },
    roots: () => [
      { usesBlob: (digest) => used.has(digest), usedChains: () => new Set([CHAIN]), forgetRemoved: () => {} },
    ],
  });
});

afterEach(async () => {
  await background.join();
  await rm(folder, { recursive: true });
});

function put(text: string): Promise<Digest> {
  return content.put(Buffer.from(text));
}

describe("collect()", () => {
  test("removes what no root uses and says how much it was", async () => {
    const kept = await put("kept");
    await put("garbage");
    used.add(kept);
    expect(await collector.collect()).toBe("garbage".length);
    expect(await content.list()).toEqual([kept]);
    expect(retained).toEqual([new Set([CHAIN])]);
  });

  test("spares what is leased until the lease ends", async () => {
    const lease = content.lease();
    const digest = await content.put(Buffer.from("coming"), lease);
    expect(await collector.collect()).toBe(0);
    expect(await content.has(digest)).toBe(true);
    lease[Symbol.dispose]();
    expect(await collector.collect()).toBe("coming".length);
    expect(await content.has(digest)).toBe(false);
  });

  test("a blob that is written again while it is collected is there afterwards", async () => {
    const bytes = Buffer.from("again");
    await content.put(bytes);
    using lease = content.lease();
    const [digest] = await Promise.all([content.put(bytes, lease), collector.collect()]);
    expect(await content.has(digest)).toBe(true);
  });

  test("a record that is made at the last moment saves its blob", async () => {
    const digest = await put("late");
    const asked: Digest[] = [];
    const late = createGarbageCollector({
      content,
      background,
      snapshots: { retainChains: async () => {} },
      roots: () => [
        {
          usesBlob: (blob) => asked.push(blob) > 1,
          usedChains: () => new Set(),
          forgetRemoved: () => {},
        },
      ],
    });
    expect(await late.collect()).toBe(0);
    expect(asked).toEqual([digest, digest]);
    expect(await content.has(digestOf("late"))).toBe(true);
  });
});

describe("request()", () => {
  test("many requests are one collection", async () => {
    await put("garbage");
    for (let index = 0; index < 10; index++) collector.request();
    await background.join();
    expect(retained).toHaveLength(1);
    expect(await content.list()).toEqual([]);
  });

  test("a request during a collection is another one", async () => {
    const running = collector.collect();
    collector.request();
    await running;
    await background.join();
    expect(retained).toHaveLength(2);
  });

  test("a failure is reported and does not end the collector", async () => {
    let fails = true;
    const shaky = createGarbageCollector({
      content,
      background,
      snapshots: {
        retainChains: async () => {
          if (fails) throw new Error("disk");
        },
      },
      roots: () => [],
    });
    shaky.request();
    await background.join();
    expect(errors).toHaveLength(1);
    fails = false;
    await put("garbage");
    expect(await shaky.collect()).toBe("garbage".length);
  });
});
