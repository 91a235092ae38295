import { expect, test } from "bun:test";
import { formatBytes, progressText } from "./progress.ts";

test.each([
  [0, "0B"],
  [999, "999B"],
  [1000, "1kB"],
  [32_768, "32.77kB"],
  [2_130_944, "2.131MB"],
  [1_250_000_000, "1.25GB"],
])("formatBytes(%d) is %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("progressText() draws dockerd's bar", () => {
  expect(progressText({ current: 32_768, total: 2_130_944 })).toBe(`[>${" ".repeat(50)}]  32.77kB/2.131MB`);
  expect(progressText({ current: 2_130_944, total: 2_130_944 })).toBe(`[${"=".repeat(50)}>]  2.131MB/2.131MB`);
  expect(progressText({ current: 5000, total: 0 })).toBe("     5kB");
});
