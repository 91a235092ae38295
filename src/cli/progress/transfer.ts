import type { images } from "#client";
import type { Context } from "../context.ts";
import type { Io, Output } from "../io.ts";
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
  { io }: Pick<Context, "io">,
  options: TransferOptions,
  start: (signal: AbortSignal) => AsyncIterable<images.ProgressMessage>,
): Promise<void> {
  const output = options.quiet ? SILENT : options.output;
  await interruptible(io, (signal) => showProgress(start(signal), { ...options, io, output }));
}

const SILENT: Output = { isTerminal: false, write: () => undefined, writeAsync: async () => undefined };

/**
 * Work that ends, and cleans up behind itself, when the user interrupts.
 *
 * @throws EngineError `canceled` with the exit code of an interrupted program
 */
export async function interruptible<T>(io: Io, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  using signals = new DisposableStack();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    signals.use(io.onSignal(name, () => controller.abort(interrupted(name))));
  }
  try {
    return await work(controller.signal);
  } catch (error) {
    // A connection that we closed ends in whatever it was at.
    controller.signal.throwIfAborted();
    throw error;
  }
}
