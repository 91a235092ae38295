import { expect, test } from "bun:test";
import { quote } from "#lib/template";
import { parseCpus } from "./cpus.ts";
import { parseCsvLine } from "./csv.ts";
import { parseNanoseconds } from "./durations.ts";
import { formatPlatform, parsePlatform } from "./platforms.ts";
import { formatBinarySize, formatSize, parseBytes } from "./sizes.ts";
import { toUnixTime } from "./timestamps.ts";

test.each([
  ["512", 512],
  ["64m", 67_108_864],
  ["1.5g", 1_610_612_736],
  ["1 kb", 1024],
  ["2KiB", 2048],
  ["7b", 7],
  [".5k", 512],
])("parseBytes() reads %s", (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each([
  ["", "invalid size: ''"],
  ["m", "invalid size: 'm'"],
  ["-1", "invalid size: '-1'"],
  ["1x", "invalid suffix: 'x'"],
  ["1kib2", 'strconv.ParseFloat: parsing "1kib2": invalid syntax'],
  ["1MBit", "invalid suffix: 'MBit'"],
  ["1mi", "invalid suffix: 'mi'"],
])("parseBytes() refuses %j", (text, message) => {
  expect(() => parseBytes(text)).toThrow(message);
});

test.each([
  [0, "0B", "0B"],
  [999, "999B", "999B"],
  [1000, "1kB", "1000B"],
  [1_984_379, "1.98MB", "1.892MiB"],
  [999_999, "1e+03kB", "976.6KiB"],
  [25_275_179_008, "25.3GB", "23.54GiB"],
])("formatSize() and formatBinarySize() write %d bytes", (bytes, decimal, binary) => {
  expect(formatSize(bytes)).toBe(decimal);
  expect(formatBinarySize(bytes)).toBe(binary);
});

test("formatSize() keeps as many digits as asked", () => {
  expect(formatSize(1_984_379, 4)).toBe("1.984MB");
});

test.each([
  ["1.5", 1_500_000_000],
  [".5", 500_000_000],
  ["1/2", 500_000_000],
  ["1e3", 1_000_000_000_000],
  ["-1", -1_000_000_000],
])("parseCpus() reads %s", (text, nano) => {
  expect(parseCpus(text)).toBe(nano);
});

test.each([
  ["x", "failed to parse x as a rational number"],
  ["", "failed to parse  as a rational number"],
  ["1/0", "failed to parse 1/0 as a rational number"],
  ["1/3", "value is too precise"],
])("parseCpus() refuses %j", (text, message) => {
  expect(() => parseCpus(text)).toThrow(message);
});

test.each([
  ["1m30s", 90e9],
  ["-2ms", -2e6],
])("parseNanoseconds() reads %s", (text, nano) => {
  expect(parseNanoseconds(text)).toBe(nano);
});

test.each([
  ["", 'time: invalid duration ""'],
  ["5", 'time: missing unit in duration "5"'],
  ["5y", 'time: unknown unit "y" in duration "5y"'],
])("parseNanoseconds() refuses %j as Go does", (text, message) => {
  expect(() => parseNanoseconds(text)).toThrow(message);
});

test("toUnixTime() reads points in time, and durations back from now", () => {
  const now = Date.UTC(2026, 0, 1, 0, 10);
  expect(toUnixTime("1h", now)).toBe(`${now / 1000 - 3600}.000000000`);
  expect(toUnixTime("2026-01-01T00:00:00.5Z", now)).toBe(`${now / 1000 - 600}.500000000`);
  expect(toUnixTime("1700000000.25", now)).toBe("1700000000.25");
  expect(() => toUnixTime("soon", now)).toThrow('failed to parse value as time or duration: "soon"');
});

test.each([
  ["a,b", ["a", "b"]],
  ['a,"b,c"', ["a", "b,c"]],
  ['"a ""b"""', ['a "b"']],
  ["a,", ["a", ""]],
])("parseCsvLine() reads %s", (line, fields) => {
  expect(parseCsvLine(line)).toEqual(fields);
});

test.each([
  ["", "EOF"],
  ['a"b', 'parse error on line 1, column 2: bare " in non-quoted-field'],
  ['"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'],
])("parseCsvLine() refuses %j", (line, message) => {
  expect(() => parseCsvLine(line)).toThrow(message);
});

test.each([
  ["linux", "linux/amd64"],
  ["linux/ARM64", "linux/arm64"],
  ["linux/aarch64/v8", "linux/arm64"],
  ["linux/arm/v7", "linux/arm/v7"],
  ["armhf", "linux/arm/v7"],
])("parsePlatform() reads %s", (text, platform) => {
  expect(formatPlatform(parsePlatform(text, "amd64"))).toBe(platform);
});

test("quote() escapes as Go does", () => {
  expect(quote('a"b\\c\n\x01ü\u200b')).toBe('"a\\"b\\\\c\\n\\x01ü\\u200b"');
});
