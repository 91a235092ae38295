/** The stream a frame belongs to. An `error` frame carries a failure of the engine itself; clients print it and stop. */
export const STREAM_IDS = { stdin: 0, stdout: 1, stderr: 2, error: 3 } as const;
export type StreamName = keyof typeof STREAM_IDS;

export const FRAME_HEADER_BYTES = 8;

/** One frame of Docker's multiplexed stream: `[stream, 0, 0, 0, length (big-endian)]` and the payload. */
export function encodeFrame(stream: StreamName, payload: Uint8Array | string): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + bytes.length);
  frame.writeUInt32BE(STREAM_IDS[stream] * 0x1000000, 0);
  frame.writeUInt32BE(bytes.length, 4);
  frame.set(bytes, FRAME_HEADER_BYTES);
  return frame;
}
