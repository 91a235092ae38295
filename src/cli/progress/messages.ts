/** Shows the messages of a pull, push, load or import: lines that move on a terminal, plain ones elsewhere. */
import type { images } from "#client";
import { EngineError } from "#lib/errors";
import { printable } from "#lib/term";
import type { Io, Output } from "../io.ts";
import { isMoving } from "./bar.ts";
import { LiveBlock } from "./live-block.ts";

export interface ShowOptions {
  readonly io: Io;
  readonly output: Output;
  /** Gets the values that come along and are not for the eye. */
  onAux?(aux: unknown): void;
}

/**
 * Shows messages until they end.
 *
 * @throws EngineError with the message by which the engine says that the operation failed.
 */
export async function showProgress(
  messages: AsyncIterable<images.ProgressMessage>,
  options: ShowOptions,
): Promise<void> {
  const { io, output } = options;
  const block = output.isTerminal ? new LiveBlock(io, output) : undefined;
  try {
    for await (const message of messages) {
      const failure = message.errorDetail?.message ?? message.error;
      if (failure !== undefined) throw new EngineError("internal", failure);
      if (message.aux !== undefined) options.onAux?.(message.aux);
      else if (block !== undefined && isLive(message)) block.update(message);
      else if (block !== undefined || !isMoving(message.progressDetail)) {
        // What moves nothing ends the block: it stands below it.
        block?.finish();
        output.write(plainLine(message));
      }
    }
  } finally {
    block?.finish();
  }
}

function isLive({ id, progressDetail }: images.ProgressMessage): boolean {
  return id !== undefined && id !== "" && progressDetail !== undefined;
}

function plainLine(message: images.ProgressMessage): string {
  if (message.stream !== undefined && message.stream !== "") return printable(message.stream);
  const id = message.id === undefined || message.id === "" ? "" : `${message.id}: `;
  return `${printable(`${id}${message.status ?? ""}`)}\n`;
}
