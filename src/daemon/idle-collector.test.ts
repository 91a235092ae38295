import { expect, test } from "bun:test";
import { IdleCollector } from "./idle-collector.ts";

test("IdleCollector collects once after work, when it has been quiet", () => {
  const timers: (() => void)[] = [];
  let collected = 0;
  const idle = new IdleCollector({ collect: () => collected++, after: (_, callback) => timers.push(callback) });
  idle.touch();
  idle.touch();
  expect(timers).toHaveLength(1);
  timers.shift()?.();
  expect({ collected, timers: timers.length }).toEqual({ collected: 0, timers: 1 });
  timers.shift()?.();
  expect({ collected, timers: timers.length }).toEqual({ collected: 1, timers: 0 });
  idle.touch();
  timers.shift()?.();
  expect(collected).toBe(2);
});
