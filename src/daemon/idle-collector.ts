/** How long the daemon has to be quiet, in milliseconds: nobody shall wait for the 20 ms that it takes. */
const QUIET_MS = 4_000;

export interface IdleCollectorOptions {
  /** Collects the garbage of the runtime and gives memory back. */
  readonly collect: () => void;
  /** Calls back once after a delay, and keeps no process alive for it. */
  readonly after: (delayMs: number, callback: () => void) => void;
}

/**
 * Collects garbage when work is followed by quiet. The runtime itself does so when it needs memory, and so keeps what a busy hour took
 * for as long as nothing happens.
 */
export class IdleCollector {
  readonly #options: IdleCollectorOptions;
  #armed = false;
  #worked = false;

  constructor(options: IdleCollectorOptions) {
    this.#options = options;
  }

  /** Something was done. */
  touch(): void {
    this.#worked = true;
    if (!this.#armed) this.#arm();
  }

  #arm(): void {
    this.#armed = true;
    this.#worked = false;
    this.#options.after(QUIET_MS, () => {
      if (this.#worked) return this.#arm();
      this.#armed = false;
      this.#options.collect();
    });
  }
}
