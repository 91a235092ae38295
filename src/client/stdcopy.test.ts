import { expect, test } from "bun:test";
import { Demultiplexer } from "./stdcopy.ts";

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

function demultiplex(pieces: readonly Uint8Array[]): { stdout: string; stderr: string } {
  const demultiplexer = new Demultiplexer();
  const text = { stdout: "", stderr: "" };
  for (const piece of pieces) {
    for (const { stream, bytes } of demultiplexer.push(piece)) text[stream] += Buffer.from(bytes).toString();
  }
  return text;
}

const frames = Buffer.concat([frame(1, "out one\n"), frame(2, "err\n"), frame(1, ""), frame(1, "out two\n")]);

test("Demultiplexer takes streams apart however they are cut", () => {
  const expected = { stdout: "out one\nout two\n", stderr: "err\n" };
  expect(demultiplex([frames])).toEqual(expected);
  expect(demultiplex([...frames].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
});

test("Demultiplexer gives out a frame's bytes as they arrive", () => {
  const demultiplexer = new Demultiplexer();
  const first = frame(1, "abcdef").subarray(0, 11);
  expect([...demultiplexer.push(first)].map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(["abc"]);
});

test("Demultiplexer fails with the engine's own words, and at streams that it does not know", () => {
  expect(() => demultiplex([frame(3, "disk full")])).toThrow("error from daemon in stream: disk full");
  expect(() => demultiplex([frame(9, "x")])).toThrow("unrecognized input header: 9");
});
