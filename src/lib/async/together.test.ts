import { expect, test } from "bun:test";
import { together } from "./together.ts";

test("together() gives the results in the order of the works", async () => {
  const first = Promise.withResolvers<number>();
  const both = together([() => first.promise, async () => 2]);
  first.resolve(1);
  expect(await both).toEqual([1, 2]);
});

test("together() aborts the others when one fails, and waits for them", async () => {
  const seen: string[] = [];
  const slow = async (signal: AbortSignal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    seen.push("stopped");
    throw new Error("second failure");
  };
  await expect(together([slow, () => Promise.reject(new Error("first failure"))])).rejects.toThrow("first failure");
  expect(seen).toEqual(["stopped"]);
});
