import { describe, expect, test } from "bun:test";
import { PIECE_BYTES, WINDOW } from "./_protocol.ts";
import { check, crash, fail, ignore, refuse, sum, wait } from "./_testing.ts";
import type { Workers } from "./job.ts";
import { createLocalWorkers } from "./local.ts";
import { createThreads } from "./threads.ts";

const ENTRY = new URL("./_testing.worker.ts", import.meta.url);

function threads(limit = 2, after: (delayMs: number, callback: () => void) => () => void = () => () => {}): Workers {
  return createThreads({ entry: ENTRY, limit, after });
}

async function* pieces(count: number, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(size).fill(1);
}

describe.each([
  ["createThreads()", threads],
  ["createLocalWorkers()", createLocalWorkers],
] as const)("%s", (_, make: () => Workers) => {
  test("gives a job its input and its source, whatever the size of the pieces", async () => {
    await using workers = make();
    const results = await Promise.all(
      [1, 1000, PIECE_BYTES, 3 * PIECE_BYTES + 7].map((size) =>
        workers.run(sum, { start: 5 }, { source: pieces(20, size) }),
      ),
    );
    expect(results.map(({ total }) => total)).toEqual([
      25,
      20_005,
      20 * PIECE_BYTES + 5,
      20 * (3 * PIECE_BYTES + 7) + 5,
    ]);
    expect((await workers.run(sum, { start: 1 })).total).toBe(1);
  });

  test("throws what the job threw", async () => {
    await using workers = make();
    await expect(workers.run(fail, "engine")).rejects.toMatchObject({
      name: "EngineError",
      kind: "conflict",
      message: "it is taken",
      data: { errno: "EEXIST" },
    });
    await expect(workers.run(fail, "bug")).rejects.toMatchObject({ message: "a bug" });
  });

  test("throws what the source threw, and the job ends", async () => {
    await using workers = make();
    const source = (async function* () {
      yield new Uint8Array(10);
      throw new RangeError("connection reset");
    })();
    await expect(workers.run(sum, { start: 0 }, { source })).rejects.toBeInstanceOf(RangeError);
  });

  test("lets go of the source of a job that failed", async () => {
    await using workers = make();
    const returned = Promise.withResolvers<void>();
    const source = (async function* () {
      try {
        yield* pieces(1_000_000, PIECE_BYTES);
      } finally {
        returned.resolve();
      }
    })();
    await expect(workers.run(refuse, undefined, { source })).rejects.toMatchObject({ message: "refused" });
    await returned.promise;
  });

  test("cancels a job by its signal", async () => {
    await using workers = make();
    const abort = new AbortController();
    const running = workers.run(wait, undefined, { signal: abort.signal });
    abort.abort();
    await expect(running).rejects.toMatchObject({ kind: "canceled" });
    await expect(workers.run(wait, undefined, { signal: abort.signal })).rejects.toMatchObject({ kind: "canceled" });
  });
});

describe("createThreads()", () => {
  test("reads no more of a source than the job takes", async () => {
    await using workers = threads();
    const abort = new AbortController();
    const enough = Promise.withResolvers<void>();
    let read = 0;
    const source = (async function* () {
      for await (const piece of pieces(100, PIECE_BYTES)) {
        // One more than there is room for: it waits on this side.
        if (++read === WINDOW + 1) enough.resolve();
        yield piece;
      }
    })();
    const running = workers.run(ignore, undefined, { source, signal: abort.signal });
    await enough.promise;
    // All that was sent has arrived by the time that a later job of the same threads is done.
    for (let i = 0; i < 4; i++) await workers.run(sum, { start: 0 });
    abort.abort();
    expect(await running.catch((error) => error.kind)).toBe("left");
    expect(read).toBeLessThanOrEqual(WINDOW + 1);
  });

  test("a piece is the job's until it asks for the next", async () => {
    await using workers = threads();
    const source = (async function* () {
      const piece = new Uint8Array(PIECE_BYTES);
      for (let i = 0; i < 30; i++) yield piece.fill(i);
    })();
    expect(await workers.run(check, undefined, { source })).toBe(true);
  });

  test("a thread that crashes fails its jobs and nothing else", async () => {
    await using workers = threads(1);
    const waiting = workers.run(wait, undefined).catch((error) => error);
    await expect(workers.run(crash, undefined)).rejects.toMatchObject({ kind: "internal" });
    expect(await waiting).toMatchObject({ kind: "internal" });
    expect(await workers.run(sum, { start: 3 })).toEqual({ total: 3, pieces: 0 });
  });

  test("threads end when nothing was to be done for a while, and start again", async () => {
    let rest = () => {};
    await using workers = threads(1, (_, callback) => {
      rest = callback;
      return () => {};
    });
    await workers.run(sum, { start: 0 });
    rest();
    expect((await workers.run(sum, { start: 2 })).total).toBe(2);
  });

  test("a light job is done without a thread", async () => {
    await using workers = createThreads({ entry: "/nowhere", limit: 1, after: () => () => {} });
    expect((await workers.run(sum, { start: 4 }, { isLight: true })).total).toBe(4);
  });

  test("disposing of them fails the jobs under way", async () => {
    const workers = threads();
    const running = workers.run(wait, undefined);
    await workers[Symbol.asyncDispose]();
    await expect(running).rejects.toMatchObject({ kind: "internal" });
  });
});
