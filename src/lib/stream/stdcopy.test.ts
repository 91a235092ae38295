import { describe, expect, test } from "bun:test";
import { encodeFrame, FrameDecoder } from "./mod.ts";

test("encodeFrame() writes the stream and the big-endian length before the payload", () => {
  expect([...encodeFrame("stderr", "ab")]).toEqual([2, 0, 0, 0, 0, 0, 0, 2, 97, 98]);
});

describe("FrameDecoder", () => {
  const frames = Buffer.concat([encodeFrame("stdout", "one"), encodeFrame("stderr", ""), encodeFrame("system", "two")]);
  const decodeAll = (chunks: Buffer[]) => {
    const decoder = new FrameDecoder();
    return chunks.flatMap((chunk) => [...decoder.decode(chunk)].map(({ stream, payload }) => `${stream}:${payload}`));
  };

  test("takes frames apart", () => {
    expect(decodeAll([frames])).toEqual(["stdout:one", "system:two"]);
  });

  test("takes frames apart that arrive byte by byte", () => {
    const bytes = [...frames].map((byte) => Buffer.from([byte]));
    expect(decodeAll(bytes).join(" ")).toBe("stdout:o stdout:n stdout:e system:t system:w system:o");
  });

  test("refuses what has no header", () => {
    expect(() => decodeAll([Buffer.from("no frame at all")])).toThrow("unrecognized stream: 110");
  });
});
