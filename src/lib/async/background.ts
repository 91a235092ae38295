/** Work that nobody awaits: its failure is reported, and `join` waits for all of it at shutdown. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #report: (name: string, error: unknown) => void;

  constructor(report: (name: string, error: unknown) => void) {
    this.#report = report;
  }

  run(name: string, work: Promise<unknown>): void {
    const guarded = work.then(
      () => undefined,
      (error) => this.#report(name, error),
    );
    this.#running.add(guarded);
    void guarded.finally(() => this.#running.delete(guarded));
  }

  /** Resolves when nothing is running any more, work that was added meanwhile included. */
  async join(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
