/** Lets so many at once; others wait, in the order in which they came. */
export class Slots {
  readonly #limit: () => number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  /** The limit is asked for at each turn, so that it may change. It is at least 1. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Runs `body` when a slot is free. @throws the signal's reason when that is aborted before */
  async run<T>(body: () => Promise<T> | T, signal?: AbortSignal): Promise<T> {
    using _slot = await this.take(signal);
    return await body();
  }

  /** A slot of one's own until it is disposed of. @throws the signal's reason when that is aborted before */
  async take(signal?: AbortSignal): Promise<Disposable> {
    await this.#take(signal);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#taken -= 1;
        this.#wake();
      },
    };
  }

  /** Whether somebody who came now would have to wait. */
  get isFull(): boolean {
    return this.#waiting.size > 0 || this.#taken >= Math.max(this.#limit(), 1);
  }

  async #take(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (!this.isFull) {
      this.#taken += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(enter);
        reject(signal?.reason);
      };
      this.#waiting.add(enter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  /** A slot is taken on behalf of who is let in, so that nobody slips in between. */
  #wake(): void {
    for (const enter of this.#waiting) {
      if (this.#taken >= Math.max(this.#limit(), 1)) return;
      this.#waiting.delete(enter);
      this.#taken += 1;
      enter();
    }
  }
}
