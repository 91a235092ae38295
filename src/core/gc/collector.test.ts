import { expect, test } from "bun:test";
import type { Digest } from "#core/content";
import { Collector } from "#core/gc";

function setUp(used: string[], stored: string[]) {
  const log: string[] = [];
  const work: Promise<void>[] = [];
  let hold: Promise<void> = Promise.resolve();
  const collector = new Collector({
    content: {
      list: async () => stored as Digest[],
      collect: async (digest, isUsed) => {
        if (isUsed()) return false;
        stored.splice(stored.indexOf(digest), 1);
        return true;
      },
    },
    images: {
      forgetRemoved: () => log.push("forget"),
      usesBlob: (digest) => used.includes(digest),
      usedChains: () => new Set(),
    },
    snapshotter: {
      retainChains: async () => {
        log.push("chains");
        await hold;
      },
    },
    run: (_, promise) => work.push(promise),
  });
  return { collector, log, work, stored, setHold: (promise: Promise<void>) => (hold = promise) };
}

test("Collector removes blobs that no image uses, after the records and filesystems that held them", async () => {
  const { collector, log, work, stored } = setUp(["sha256:a"], ["sha256:a", "sha256:b"]);
  collector.request();
  await Promise.all(work);
  expect(stored).toEqual(["sha256:a"]);
  expect(log).toEqual(["forget", "chains"]);
});

test("Collector makes one more round for any number of requests during a round", async () => {
  const { collector, log, work, setHold } = setUp([], []);
  const gate = Promise.withResolvers<void>();
  setHold(gate.promise);
  collector.request();
  collector.request();
  collector.request();
  gate.resolve();
  await Promise.all(work);
  expect(log.filter((entry) => entry === "forget")).toHaveLength(2);
  expect(work).toHaveLength(1);
});

test("Collector can be asked again after a round that failed", async () => {
  const { collector, log, work, setHold } = setUp([], []);
  setHold(Promise.reject(new Error("disk")));
  collector.request();
  await expect(Promise.all(work)).rejects.toThrow("disk");
  setHold(Promise.resolve());
  collector.request();
  await work.at(-1);
  expect(log).toEqual(["forget", "chains", "forget", "chains"]);
});
