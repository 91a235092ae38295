/** Shows the messages of a pull, load or import: bars that move on a terminal, plain lines elsewhere. */
import type { images } from "#client";
import { EngineError } from "#lib/errors";
import { ansi, printable } from "#lib/term";
import type { Io, Output } from "../io.ts";
import { progressText } from "./bar.ts";

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
  const lines = new Lines(output);
  for await (const message of messages) {
    if (message.error !== undefined || message.errorDetail?.message !== undefined) {
      throw new EngineError("internal", message.errorDetail?.message ?? message.error ?? "");
    }
    if (message.aux !== undefined) {
      options.onAux?.(message.aux);
      continue;
    }
    const columns = output.isTerminal ? (io.terminalSize()?.columns ?? 0) : 0;
    const bar = progressText(message.progressDetail, { columns, nowMs: io.now() });
    if (output.isTerminal) lines.show(message, bar);
    else if (bar === "") output.write(plainLine(message));
  }
}

function plainLine(message: images.ProgressMessage): string {
  if (message.stream !== undefined && message.stream !== "") return printable(message.stream);
  const id = message.id === undefined || message.id === "" ? "" : `${message.id}: `;
  return `${printable(`${id}${message.status ?? ""}`)}\n`;
}

/** Lines of a terminal that belong to an ID and are written anew as it makes progress. */
class Lines {
  readonly #output: Output;
  #lineOf = new Map<string, number>();

  constructor(output: Output) {
    this.#output = output;
  }

  show(message: images.ProgressMessage, bar: string): void {
    const { id } = message;
    if (id === undefined || id === "" || message.progressDetail === undefined) {
      // What moves nothing ends the block: the lines above it are not ours to find any more.
      this.#lineOf = new Map();
      this.#output.write(plainLine(message));
      return;
    }
    let prefix = "";
    if (!this.#lineOf.has(id)) {
      this.#lineOf.set(id, this.#lineOf.size);
      prefix = "\n";
    }
    const distance = this.#lineOf.size - this.#lineOf.get(id)!;
    const text = printable(`${id}: ${message.status ?? ""} ${bar}`);
    this.#output.write(`${prefix}${ansi.up(distance)}${ansi.clearLine}\r${text}\r${ansi.down(distance)}`);
  }
}
