/** Streams as Docker's clients speak them: frames, detach keys, progress lines, joined connections. */
export { join } from "./join.ts";
export { encodeFrame, FRAME_HEADER_BYTES, STREAM_IDS, type StreamName } from "./stdcopy.ts";
