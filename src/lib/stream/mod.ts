/** Streams: as Docker's clients speak them (frames, detach keys, joined connections), and watched. */

export { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from "./detach-keys.ts";
export { join } from "./join.ts";
export { encodeFrame, FrameDecoder, type StreamName } from "./stdcopy.ts";
export { tap } from "./tap.ts";
