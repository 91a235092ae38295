import { expect, test } from "bun:test";
import { encodeFrame } from "#lib/stream";
import { OutputDecoder } from "./output.ts";

function decode(pieces: readonly Uint8Array[]): { stdout: string; stderr: string } {
  const decoder = new OutputDecoder();
  const text = { stdout: "", stderr: "" };
  for (const piece of pieces) {
    for (const { stream, bytes } of decoder.push(piece)) text[stream] += Buffer.from(bytes).toString();
  }
  return text;
}

test("OutputDecoder tells stdout from stderr, however the frames are cut", () => {
  const frames = Buffer.concat([
    encodeFrame("stdout", "out one\n"),
    encodeFrame("stderr", "err\n"),
    encodeFrame("stdout", ""),
    encodeFrame("stdin", "out two\n"),
  ]);
  const expected = { stdout: "out one\nout two\n", stderr: "err\n" };
  expect(decode([frames])).toEqual(expected);
  expect(decode([...frames].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
});

test("OutputDecoder fails with the engine's own words, all of them", () => {
  const failure = encodeFrame("system", "disk full");
  expect(() => decode([failure])).toThrow("error from daemon in stream: disk full");
  expect(() => decode([failure.subarray(0, 12), failure.subarray(12)])).toThrow(": disk full");
});

test("OutputDecoder refuses what is no frame", () => {
  expect(() => decode([Buffer.from("no frame at all")])).toThrow("unrecognized stream: 110");
});
