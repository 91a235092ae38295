import { expect, test } from "bun:test";
import { collectRegularly } from "./regularly.ts";

test("collectRegularly() asks each time an hour has passed, until it is disposed of", () => {
  let requests = 0;
  let timer: (() => void) | undefined;
  const clock = {
    after: (delayMs: number, callback: () => void) => {
      expect(delayMs).toBe(3_600_000);
      timer = callback;
      return () => {
        timer = undefined;
      };
    },
  };
  const regularly = collectRegularly({ request: () => void requests++ }, clock);
  for (let hour = 1; hour <= 3; hour++) {
    timer?.();
    expect(requests).toBe(hour);
  }
  regularly[Symbol.dispose]();
  expect(timer).toBeUndefined();
});
