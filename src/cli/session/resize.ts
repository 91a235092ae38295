import type { containers } from "#client";
import type { Io } from "../io.ts";

/** A process that was just started may not take a size yet. */
const FIRST_RESIZES = 10;
const FIRST_RESIZE_DELAY_MS = 10;

/** Gives a process the size of our terminal, now and whenever it changes, until disposed. */
export function followTerminalSize(io: Io, resize: (size: containers.TerminalSize) => Promise<void>): Disposable {
  const apply = async () => {
    const size = io.terminalSize();
    if (size !== undefined && size.rows > 0 && size.columns > 0) await resize(size);
  };
  void applyAtFirst(io, apply);
  // A size that came too late for the process is of no use to anyone.
  return io.onSignal("SIGWINCH", () => void apply().catch(() => undefined));
}

async function applyAtFirst(io: Io, apply: () => Promise<void>): Promise<void> {
  for (let attempt = 1; attempt <= FIRST_RESIZES; attempt++) {
    try {
      return await apply();
    } catch {
      await io.sleep(attempt * FIRST_RESIZE_DELAY_MS);
    }
  }
}
