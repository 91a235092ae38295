import { EngineError } from "#lib/errors";
import { FrameDecoder } from "#lib/stream";

/** A piece of a process's output. */
export interface OutputPart {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

const MAX_ERROR_CHARACTERS = 1 << 20;

/** Takes the frames that an engine sends apart into what goes to stdout and to stderr. */
export class OutputDecoder {
  readonly #frames = new FrameDecoder();
  #failure = "";

  /** @throws EngineError `internal` for a frame by which the engine reports its own failure, and for what is no frame. */
  *push(bytes: Uint8Array): Generator<OutputPart, void> {
    for (const { stream, payload, leftBytes } of this.#frames.decode(bytes)) {
      if (stream === "system") this.#addFailure(payload, leftBytes);
      // What no client is ever sent (stdin) shows as stdout, as with Docker.
      else yield { stream: stream === "stderr" ? "stderr" : "stdout", bytes: payload };
    }
  }

  #addFailure(payload: Buffer, leftBytes: number): void {
    this.#failure += payload.toString();
    if (leftBytes === 0 || this.#failure.length > MAX_ERROR_CHARACTERS) {
      throw new EngineError("internal", `error from daemon in stream: ${this.#failure}`);
    }
  }
}
