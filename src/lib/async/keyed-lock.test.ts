import { expect, test } from "bun:test";
import { KeyedLock } from "./keyed-lock.ts";

test("KeyedLock runs callers of one key in order and those of another at once", async () => {
  const lock = new KeyedLock();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lock.run("a", async () => {
    await gate.promise;
    seen.push("a1");
  });
  const second = lock.run("a", () => seen.push("a2"));
  await lock.run("b", () => seen.push("b"));
  gate.resolve();
  await Promise.all([first, second]);
  expect(seen).toEqual(["b", "a1", "a2"]);
});

test("KeyedLock goes on after a failure", async () => {
  const lock = new KeyedLock();
  await expect(lock.run("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await lock.run("a", () => 1)).toBe(1);
});
