import { Transform, type TransformCallback } from "node:stream";
import { FrameDecoder } from "#lib/stream";

/** A multiplexed stream as the bare bytes of all its streams, in order. */
export function demultiplex(): Transform {
  const decoder = new FrameDecoder();
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      for (const { payload } of decoder.decode(chunk)) this.push(payload);
      done();
    },
  });
}
