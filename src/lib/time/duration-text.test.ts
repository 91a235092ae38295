import { expect, test } from "bun:test";
import { durationText } from "./duration-text.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [-5 * SECOND, "Less than a second"],
  [999, "Less than a second"],
  [1 * SECOND, "1 second"],
  [59 * SECOND, "59 seconds"],
  [MINUTE, "About a minute"],
  [2 * MINUTE - 1, "About a minute"],
  [59 * MINUTE, "59 minutes"],
  [HOUR, "About an hour"],
  [1.5 * HOUR, "2 hours"],
  [47 * HOUR, "47 hours"],
  [2 * DAY, "2 days"],
  [13 * DAY, "13 days"],
  [14 * DAY, "2 weeks"],
  [59 * DAY, "8 weeks"],
  [60 * DAY, "2 months"],
  [700 * DAY, "23 months"],
  [730 * DAY, "2 years"],
])("durationText(%i) is %j", (milliseconds, text) => {
  expect(durationText(milliseconds)).toBe(text);
});
