/** Streams as Docker's clients speak them: frames, detach keys, joined connections. */
export { DEFAULT_DETACH_KEYS, DetachKeys, detachFilter, parseDetachKeys } from "./detach-keys.ts";
export { join } from "./join.ts";
export { demultiplex, encodeFrame, FRAME_HEADER_BYTES, FrameDecoder, STREAM_IDS, type StreamName } from "./stdcopy.ts";
