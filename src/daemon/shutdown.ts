/** Waits for the signals that concern a daemon. */
export function untilToldToEnd(handlers: { reload: () => void; onSignal: (signal: string) => void }): Promise<void> {
  return new Promise((resolve) => {
    let told = 0;
    const end = (signal: NodeJS.Signals) => {
      handlers.onSignal(signal);
      resolve();
      // Whoever insists does not want to wait for requests: containers are safe in any case.
      if (++told === IMPATIENT) process.exit(FORCED_EXIT_CODE);
    };
    process.on("SIGTERM", end);
    process.on("SIGINT", end);
    process.on("SIGHUP", handlers.reload);
    // A client that hung up, or a terminal that is gone, is no reason to end.
    process.on("SIGPIPE", () => undefined);
  });
}

/** As dockerd: the third signal ends it at once. */
const IMPATIENT = 3;
const FORCED_EXIT_CODE = 130;
