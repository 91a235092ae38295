import { EngineError } from "#lib/errors";

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

export interface FramePart {
  readonly stream: StreamName;
  readonly payload: Buffer;
  /** How much of the frame is still to come. */
  readonly leftBytes: number;
}

/** Takes frames apart again, however they were cut on their way. Payloads are handed on as they come, not gathered. */
export class FrameDecoder {
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  #stream: StreamName = "stdout";
  #left = 0;

  /** @throws EngineError `internal` for a header that is none: the bytes are no multiplexed stream */
  *decode(chunk: Uint8Array): Generator<FramePart, void> {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    while (rest.length > 0) {
      if (this.#left === 0) {
        rest = rest.subarray(this.#fillHeader(rest));
        continue;
      }
      const payload = rest.subarray(0, this.#left);
      this.#left -= payload.length;
      rest = rest.subarray(payload.length);
      yield { stream: this.#stream, payload, leftBytes: this.#left };
    }
  }

  /** How many of the bytes belong to the header. */
  #fillHeader(bytes: Buffer): number {
    const copied = bytes.copy(this.#header, this.#headerBytes);
    this.#headerBytes += copied;
    if (this.#headerBytes < FRAME_HEADER_BYTES) return copied;
    const stream = NAMES[this.#header[0]!];
    if (!stream) throw new EngineError("internal", `unrecognized stream: ${this.#header[0]}`);
    this.#stream = stream;
    this.#left = this.#header.readUInt32BE(4);
    this.#headerBytes = 0;
    return copied;
  }
}
