/** Streams as Docker's clients speak them: frames, detach keys, joined connections. */
export { DetachKeys, parseDetachKeys } from "./detach-keys.ts";
export { join } from "./join.ts";
export { demultiplex, encodeFrame, FrameDecoder, type StreamName } from "./stdcopy.ts";
