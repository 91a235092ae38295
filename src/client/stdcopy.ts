import { EngineError } from "#lib/errors";

export type StreamName = "stdout" | "stderr";

export interface Frame {
  readonly stream: StreamName;
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 8;
const MAX_ERROR_BYTES = 1 << 20;
/** By the first byte of a frame's header. What a client never gets (stdin) shows as stdout, as with Docker. */
const STREAMS: readonly StreamName[] = ["stdout", "stdout", "stderr"];
const SYSTEM_ERROR = 3;

/**
 * Takes the frames of a multiplexed stream apart: `[stream, 0, 0, 0, length big endian]` and that many bytes.
 * Parts of a frame are given out as they arrive, so a frame's length bounds no memory.
 */
export class Demultiplexer {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #missing = 0;
  #errorText = "";

  /** @throws EngineError for a frame by which the engine reports its own failure, or one of an unknown stream. */
  *push(bytes: Uint8Array): Generator<Frame, void> {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#missing === 0) {
        offset += this.#fillHeader(bytes.subarray(offset));
        continue;
      }
      const part = bytes.subarray(offset, offset + this.#missing);
      this.#missing -= part.length;
      offset += part.length;
      if (this.#header[0] === SYSTEM_ERROR) this.#systemError(part);
      else yield { stream: STREAMS[this.#header[0]!]!, bytes: part };
      if (this.#missing === 0) this.#headerBytes = 0;
    }
  }

  #fillHeader(bytes: Uint8Array): number {
    const part = bytes.subarray(0, HEADER_BYTES - this.#headerBytes);
    this.#header.set(part, this.#headerBytes);
    this.#headerBytes += part.length;
    if (this.#headerBytes < HEADER_BYTES) return part.length;
    const stream = this.#header[0]!;
    if (stream > SYSTEM_ERROR) throw new EngineError("internal", `unrecognized input header: ${stream}`);
    this.#missing = new DataView(this.#header.buffer).getUint32(4);
    if (this.#missing === 0) this.#headerBytes = 0;
    return part.length;
  }

  #systemError(part: Uint8Array): void {
    this.#errorText += new TextDecoder().decode(part);
    if (this.#missing === 0 || this.#errorText.length > MAX_ERROR_BYTES) {
      throw new EngineError("internal", `error from daemon in stream: ${this.#errorText}`);
    }
  }
}
