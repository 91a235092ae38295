import { expect, test } from "bun:test";
import { expandSparse } from "./expand.ts";

async function* inPieces(...pieces: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

async function expanded(size: number, segments: { offset: number; size: number }[] | undefined, ...pieces: string[]) {
  const entry = { size, ...(segments && { segments }) };
  const bytes = Buffer.concat(await Array.fromAsync(expandSparse(entry, inPieces(...pieces))));
  return bytes.toString().replaceAll("\0", ".");
}

test("expandSparse() fills holes, however the data is cut", async () => {
  const segments = [
    { offset: 2, size: 3 },
    { offset: 5, size: 1 },
    { offset: 8, size: 2 },
  ];
  for (const pieces of [["abcdef"], ["a", "bcd", "ef"], ["abc", "", "def"]])
    expect(await expanded(12, segments, ...pieces)).toBe("..abcd..ef..");
});

test("expandSparse() leaves a whole file alone, and makes one of nothing", async () => {
  expect(await expanded(3, undefined, "ab", "c")).toBe("abc");
  expect(await expanded(4, [])).toBe("....");
});
