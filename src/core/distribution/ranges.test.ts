import { describe, expect, test } from "bun:test";
import { type ContentRange, parseContentRange, parseUploadRange } from "./ranges.ts";

describe("parseContentRange()", () => {
  test.each<[string | null, ContentRange | undefined]>([
    ["bytes 0-99/1000", { start: 0, end: 99, total: 1000 }],
    [" bytes 5-5/* ", { start: 5, end: 5, total: undefined }],
    ["bytes 10-5/100", undefined],
    ["bytes 0-100/100", undefined],
    ["bytes */100", undefined],
    ["bytes -1-5/10", undefined],
    ["items 0-1/2", undefined],
    ["bytes 0-9999999999999999999/*", undefined],
    ["", undefined],
    [null, undefined],
  ])("%p", (text, expected) => {
    expect(parseContentRange(text)).toEqual(expected as ContentRange);
  });
});

describe("parseUploadRange()", () => {
  test.each<[string | null, number | undefined]>([
    ["0-99", 100],
    ["bytes=0-99", 100],
    ["0-0", 0],
    ["0--1", 0],
    ["5-99", undefined],
    ["0-", undefined],
    ["99", undefined],
    [null, undefined],
  ])("%p", (text, expected) => {
    expect(parseUploadRange(text)).toBe(expected as number);
  });
});
