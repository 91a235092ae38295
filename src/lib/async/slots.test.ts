import { expect, test } from "bun:test";
import { Slots } from "./slots.ts";

function gates(count: number) {
  return Array.from({ length: count }, () => Promise.withResolvers<void>());
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("Slots lets in as many as the limit says, in order", async () => {
  const slots = new Slots(() => 2);
  const [a, b, c] = gates(3) as [PromiseWithResolvers<void>, PromiseWithResolvers<void>, PromiseWithResolvers<void>];
  const seen: string[] = [];
  const enter = (name: string, gate: PromiseWithResolvers<void>) =>
    slots.run(async () => {
      seen.push(name);
      await gate.promise;
    });
  const all = [enter("a", a), enter("b", b), enter("c", c), enter("d", c)];
  await settled();
  expect(seen).toEqual(["a", "b"]);
  expect(slots.isFull).toBe(true);
  b.resolve();
  await all[1];
  await settled();
  expect(seen).toEqual(["a", "b", "c"]);
  a.resolve();
  c.resolve();
  await Promise.all(all);
  expect(seen).toEqual(["a", "b", "c", "d"]);
  expect(slots.isFull).toBe(false);
});

test("Slots: who gives up waiting takes no slot, and a failure gives its slot back", async () => {
  const slots = new Slots(() => 1);
  const [gate] = gates(1) as [PromiseWithResolvers<void>];
  const first = slots.run(() => gate.promise);
  const controller = new AbortController();
  const second = slots.run(() => "never", controller.signal);
  const third = slots.run(() => Promise.reject(new Error("no")));
  controller.abort(new Error("left"));
  await expect(second).rejects.toThrow("left");
  gate.resolve();
  await first;
  await expect(third).rejects.toThrow("no");
  expect(await slots.run(() => "in")).toBe("in");
});

test("Slots: a slot that is taken is given back once, however often it is disposed of", async () => {
  const slots = new Slots(() => 1);
  const first = await slots.take();
  expect(slots.isFull).toBe(true);
  first[Symbol.dispose]();
  const second = await slots.take();
  first[Symbol.dispose]();
  expect(slots.isFull).toBe(true);
  second[Symbol.dispose]();
  expect(slots.isFull).toBe(false);
});
