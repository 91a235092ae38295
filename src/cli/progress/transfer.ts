import type { images } from "#client";
import type { Context } from "../context.ts";
import type { Output } from "../io.ts";
import { interrupted } from "../prompt.ts";
import { showProgress } from "./messages.ts";

export interface TransferOptions {
  readonly output: Output;
  /** Shows nothing; failures are thrown all the same. */
  readonly quiet: boolean;
  onAux?(aux: unknown): void;
}

/**
 * Shows a transfer that the user may interrupt: the engine then gives it up, as its client hangs up.
 *
 * @throws EngineError `canceled` with the exit code of an interrupted program; what the engine says went wrong
 */
export async function showTransfer(
  { io }: Context,
  options: TransferOptions,
  start: (signal: AbortSignal) => AsyncIterable<images.ProgressMessage>,
): Promise<void> {
  const controller = new AbortController();
  using signals = new DisposableStack();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    signals.use(io.onSignal(name, () => controller.abort(interrupted(name))));
  }
  const output = options.quiet ? SILENT : options.output;
  try {
    await showProgress(start(controller.signal), { ...options, io, output });
  } catch (error) {
    // A connection that we closed ends in whatever it was at.
    controller.signal.throwIfAborted();
    throw error;
  }
}

const SILENT: Output = { isTerminal: false, write: () => undefined, writeAsync: async () => undefined };
