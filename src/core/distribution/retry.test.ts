import { describe, expect, test } from "bun:test";
import { EngineError } from "#lib/errors";
import { TestClock } from "./_testing.ts";
import { temporary } from "./errors.ts";
import { delayAfter, patiently } from "./retry.ts";
import { retryAfterMs } from "./retry-after.ts";

describe("retryAfterMs()", () => {
  const now = Date.UTC(2026, 0, 1, 12, 0, 0);
  test.each<[string | null, number | undefined]>([
    ["0", 0],
    [" 120 ", 120_000],
    ["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
    ["Thursday, 01-Jan-26 12:00:30 GMT", 30_000],
    ["Thu, 01 Jan 2026 11:00:00 GMT", 0],
    ["-1", undefined],
    ["1.5", undefined],
    ["99999999999999", undefined],
    ["2026", 2_026_000],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ])("%p", (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected as number);
  });
});

describe("delayAfter()", () => {
  test("doubles up to the longest, less by chance", () => {
    const failure = temporary("x");
    const most = [1, 2, 3, 4, 5, 6, 7, 20].map((failures) => delayAfter(failure, failures, 1));
    expect(most).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
    expect(delayAfter(failure, 1, 0)).toBe(250);
  });

  test("waits as long as the registry asks for, within reason", () => {
    expect(delayAfter(temporary("x", { retryAfterMs: 30_000 }), 1, 1)).toBe(30_000);
    expect(delayAfter(temporary("x", { retryAfterMs: 10 }), 1, 1)).toBe(500);
    expect(delayAfter(temporary("x", { retryAfterMs: 61_000 }), 1, 1)).toBeUndefined();
  });
});

describe("patiently()", () => {
  const patience = (clock: TestClock) => ({ clock, random: () => 1, attempts: () => 3 });
  const signal = new AbortController().signal;

  test("tries again what may pass, and no more often than it may", async () => {
    const clock = new TestClock();
    let tries = 0;
    const work = async () => {
      tries += 1;
      throw temporary(`failure ${tries}`);
    };
    await expect(patiently(patience(clock), signal, work)).rejects.toThrow("failure 3");
    expect(clock.pausesMs).toEqual([500, 1000]);
  });

  test("does not try again what will not pass", async () => {
    const clock = new TestClock();
    const work = () => Promise.reject(new EngineError("not-found", "no"));
    await expect(patiently(patience(clock), signal, work)).rejects.toThrow("no");
    expect(clock.pausesMs).toEqual([]);
  });

  test("ends a pause when it is cancelled", async () => {
    const clock = { nowNano: () => 0n, after: () => () => {} };
    const controller = new AbortController();
    const work = () => {
      queueMicrotask(() => controller.abort());
      return Promise.reject(temporary("x"));
    };
    const done = patiently({ clock, random: () => 1, attempts: () => 3 }, controller.signal, work);
    await expect(done).rejects.toMatchObject({ kind: "canceled", message: "context canceled" });
  });
});
