import { expect, test } from "bun:test";
import { formatDuration, formatNano, nanoOf, parseDuration, parseTimestamp, systemClock } from "./mod.ts";

test("formatNano() trims zeros, or keeps nine digits for log lines", () => {
  expect(formatNano(1_500_000_000n)).toBe("1970-01-01T00:00:01.5Z");
  expect(formatNano(1_000_000_000n)).toBe("1970-01-01T00:00:01Z");
  expect(formatNano(1_000_000_000n, { fixed: true })).toBe("1970-01-01T00:00:01.000000000Z");
  expect(formatNano(-1n)).toBe("1969-12-31T23:59:59.999999999Z");
});

test("nanoOf() reads back what formatNano() wrote, and zones", () => {
  expect(nanoOf(formatNano(1_763_685_872_559_402_016n))).toBe(1_763_685_872_559_402_016n);
  expect(nanoOf("1970-01-01T01:00:01.25+01:00")).toBe(1_250_000_000n);
  expect(nanoOf("yesterday")).toBeUndefined();
});

test("parseTimestamp() takes UNIX seconds with a fraction and forms of RFC 3339", () => {
  expect(parseTimestamp("12.5")).toBe(12_500_000_000n);
  expect(parseTimestamp("0")).toBe(0n);
  expect(parseTimestamp("1970-01-02Z")).toBe(86_400_000_000_000n);
  expect(parseTimestamp("1970-01-01T00:01Z")).toBe(60_000_000_000n);
  expect(parseTimestamp("soon")).toBeUndefined();
});

test("parseDuration() and formatDuration() follow Go", () => {
  expect(parseDuration("1h30m")).toBe(5_400_000_000_000n);
  expect(parseDuration("-1.5s")).toBe(-1_500_000_000n);
  expect(parseDuration("5")).toBeUndefined();
  expect(parseDuration("")).toBeUndefined();
  expect(formatDuration(3_605_000_000_000n)).toBe("1h0m5s");
  expect(formatDuration(250_000_000n)).toBe("250ms");
});

test("systemClock() never strays from the time of day", () => {
  const now = Number(systemClock().nowNano() / 1_000_000n);
  expect(Math.abs(now - Date.now())).toBeLessThan(1000);
});

test("systemClock().after() waits longer than a timer can, and not at all when it is canceled", async () => {
  const clock = systemClock();
  const called: string[] = [];
  const cancel = clock.after(2 ** 31, () => called.push("in 25 days"));
  await new Promise<void>((resolve) => {
    clock.after(1, () => called.push("canceled"))();
    clock.after(1, () => called.push("soon"));
    setTimeout(() => clock.after(1, resolve), 1);
  });
  cancel();
  expect(called).toEqual(["soon"]);
});

test("systemClock() is never behind the time of day, and every time is later than the one before", () => {
  const clock = systemClock();
  let last = 0n;
  for (let times = 0; times < 20_000; times++) {
    const before = BigInt(Date.now()) * 1_000_000n;
    const now = clock.nowNano();
    expect(now >= before).toBe(true);
    expect(now > last).toBe(true);
    last = now;
  }
});
