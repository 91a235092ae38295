import { Transform, type TransformCallback } from "node:stream";

/** The stream a frame belongs to. A `system` frame carries a failure of the engine itself; clients print it and stop. */
const STREAM_IDS = { stdin: 0, stdout: 1, stderr: 2, system: 3 } as const;
export type StreamName = keyof typeof STREAM_IDS;

const FRAME_HEADER_BYTES = 8;

const NAMES: readonly StreamName[] = ["stdin", "stdout", "stderr", "system"];

/** One frame of Docker's multiplexed stream: `[stream, 0, 0, 0, length (big-endian)]` and the payload. */
export function encodeFrame(stream: StreamName, payload: Uint8Array | string): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + bytes.length);
  frame.writeUInt32BE(STREAM_IDS[stream] * 0x1000000, 0);
  frame.writeUInt32BE(bytes.length, 4);
  frame.set(bytes, FRAME_HEADER_BYTES);
  return frame;
}

/** Takes frames apart again, however they were cut on their way. Payloads are handed on as they come, not gathered. */
export class FrameDecoder {
  #header = Buffer.alloc(0);
  #stream: StreamName = "stdout";
  #left = 0;

  /** @throws Error for a header that is none: the bytes are no multiplexed stream */
  *decode(chunk: Buffer): Generator<{ stream: StreamName; payload: Buffer }> {
    let rest: Buffer = chunk;
    while (rest.length > 0) {
      if (this.#left > 0) {
        const payload = rest.subarray(0, this.#left);
        this.#left -= payload.length;
        rest = rest.subarray(payload.length);
        yield { stream: this.#stream, payload };
        continue;
      }
      const missing = FRAME_HEADER_BYTES - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.#header.length === FRAME_HEADER_BYTES) this.#begin();
    }
  }

  #begin(): void {
    const stream = NAMES[this.#header[0] ?? 0];
    if (!stream) throw new Error(`unrecognized stream: ${this.#header[0]}`);
    this.#stream = stream;
    this.#left = this.#header.readUInt32BE(4);
    this.#header = Buffer.alloc(0);
  }
}

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
