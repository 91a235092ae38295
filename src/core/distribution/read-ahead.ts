/** Reads a source to its end at once, whether anybody asks or not. What was read stays in memory: give it something bounded. */
export class ReadAhead implements AsyncIterable<Uint8Array> {
  /** Settles when nothing is read any more; never fails. */
  readonly finished: Promise<void>;
  readonly #chunks: Uint8Array[] = [];
  #failure: { readonly error: unknown } | undefined;
  #isDone = false;
  #wake: () => void = () => {};

  constructor(source: AsyncIterable<Uint8Array>) {
    this.finished = this.#read(source);
  }

  /** Once. @throws what the source threw, after what came before it */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) yield chunk;
      else if (this.#failure) throw this.#failure.error;
      else if (this.#isDone) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async #read(source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of source) {
        this.#chunks.push(chunk);
        this.#wake();
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#isDone = true;
    this.#wake();
  }
}
