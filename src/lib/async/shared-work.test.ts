import { expect, test } from "bun:test";
import { SharedWork } from "./shared-work.ts";

function harness() {
  const shared = new SharedWork<string, number>();
  const gate = Promise.withResolvers<string>();
  const state = { starts: 0, aborted: 0, report: (_: number) => {} };
  const work = (report: (progress: number) => void, signal: AbortSignal) => {
    state.starts += 1;
    state.report = report;
    signal.addEventListener("abort", () => {
      state.aborted += 1;
      gate.reject(new Error("aborted"));
    });
    return gate.promise;
  };
  const join = (signal = new AbortController().signal) => {
    const seen: number[] = [];
    return { seen, result: shared.run("key", work, { signal, report: (progress) => seen.push(progress) }) };
  };
  return { shared, gate, state, join };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("SharedWork does what several want once, and tells all of them how far it is", async () => {
  const { gate, state, join } = harness();
  const one = join();
  await settled();
  state.report(1);
  const two = join();
  state.report(2);
  gate.resolve("done");
  expect(await Promise.all([one.result, two.result])).toEqual(["done", "done"]);
  expect([one.seen, two.seen, state.starts]).toEqual([[1, 2], [1, 2], 1]);
});

test("SharedWork goes on when one caller leaves, and is aborted with the last", async () => {
  const { shared, state, join } = harness();
  const [first, second] = [new AbortController(), new AbortController()];
  const one = join(first.signal);
  const two = join(second.signal);
  await settled();
  first.abort(new Error("first left"));
  await expect(one.result).rejects.toThrow("first left");
  expect(state.aborted).toBe(0);
  second.abort(new Error("second left"));
  await expect(two.result).rejects.toThrow("second left");
  expect(state.aborted).toBe(1);
  expect(shared.has("key")).toBe(false);
});

test("SharedWork tells all callers of a failure, and the next one starts anew", async () => {
  const shared = new SharedWork<string, number>();
  const caller = { signal: new AbortController().signal, report: () => {} };
  const fail = () => Promise.reject(new Error("no"));
  const results = await Promise.allSettled([shared.run("key", fail, caller), shared.run("key", fail, caller)]);
  expect(results.map((result) => result.status)).toEqual(["rejected", "rejected"]);
  expect(await shared.run("key", async () => "again", caller)).toBe("again");
});
