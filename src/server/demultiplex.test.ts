import { expect, test } from "bun:test";
import { encodeFrame } from "#lib/stream";
import { demultiplex } from "./demultiplex.ts";

test("demultiplex() gives the bare bytes of all streams", async () => {
  const stream = demultiplex();
  stream.write(encodeFrame("stdout", "out "));
  stream.end(encodeFrame("stderr", "err"));
  expect(Buffer.concat(await stream.toArray()).toString()).toBe("out err");
});
