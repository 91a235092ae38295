import { expect, test } from "bun:test";
import { TestClock } from "../_test-clock.ts";
import { Throttle } from "./throttle.ts";

function failing(address: string, times: number) {
  const clock = new TestClock();
  const throttle = new Throttle(clock);
  for (let i = 0; i < times; i++) throttle.failed(address);
  return { clock, throttle };
}

test.each([
  [9, 0],
  [10, 1_000],
  [11, 2_000],
  [13, 8_000],
  [30, 60_000],
  [5_000, 60_000],
])("Throttle lets an address that failed %p times wait for %p ms", (failures, pauseMs) => {
  expect(failing("192.0.2.1", failures).throttle.pauseMs("192.0.2.1")).toBe(pauseMs);
});

test("Throttle counts the pause down, and forgets after a while", () => {
  const { throttle, clock } = failing("192.0.2.1", 11);
  clock.advance(1_500);
  expect(throttle.pauseMs("192.0.2.1")).toBe(500);
  clock.advance(15 * 60_000);
  throttle.failed("192.0.2.1");
  expect(throttle.pauseMs("192.0.2.1")).toBe(0);
});

test.each([
  ["2001:db8::1", "2001:db8::2", true],
  ["2001:db8::1", "2001:db8:0:0:ffff::", true],
  ["2001:db8:0:1::1", "2001:db8::1", false],
  ["::ffff:192.0.2.1", "192.0.2.1", true],
  ["::1", "::2", true],
  ["fe80::1%eth0", "fe80::1%eth1", true],
])("Throttle takes %p and %p for one client: %p", (first, second, isOne) => {
  expect(failing(first, 10).throttle.pauseMs(second) > 0).toBe(isOne);
});

test("Throttle remembers a limited number of addresses, those that failed last", () => {
  const { throttle } = failing("192.0.2.1", 20);
  for (let i = 0; i < 10_000; i++) throttle.failed(`10.0.${i >> 8}.${i & 255}`);
  expect(throttle.pauseMs("192.0.2.1")).toBe(0);
});
