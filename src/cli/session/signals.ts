import { containers, type EngineClient } from "#client";
import type { Io } from "../io.ts";

/** Those that someone sends on purpose. Job control stays with the shell; SIGWINCH has a meaning of its own. */
const FORWARDED: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGCONT",
];

/** Sends our signals on to a container until disposed. */
export function forwardSignals(io: Io, engine: EngineClient, container: string): Disposable {
  const stack = new DisposableStack();
  for (const name of FORWARDED) {
    // The container may have ended meanwhile, which its exit code will tell.
    stack.use(io.onSignal(name, () => void containers.kill(engine, container, name.slice(3)).catch(() => undefined)));
  }
  return stack;
}
