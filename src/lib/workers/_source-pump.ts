import { PIECE_BYTES, type ToWorker, WINDOW } from "./_protocol.ts";

/**
 * Sends a source to a thread, in pieces that it gives away, as many as the thread has room for. Bytes are copied once: whoever made
 * them may keep them, and small ones are joined.
 */
export class SourcePump {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #job: number;
  readonly #send: (message: ToWorker, transfer?: readonly ArrayBuffer[]) => void;
  #isStopped = false;
  #room = WINDOW;
  #wake = Promise.withResolvers<void>();
  #piece = new Uint8Array(0);
  #filled = 0;
  /** What the source threw. */
  failure: { readonly error: unknown } | undefined;

  constructor(
    source: AsyncIterable<Uint8Array>,
    job: number,
    send: (message: ToWorker, transfer?: readonly ArrayBuffer[]) => void,
  ) {
    this.#source = source[Symbol.asyncIterator]();
    this.#job = job;
    this.#send = send;
  }

  /** Resolves when all is sent, or nothing more is to be sent. */
  async run(): Promise<void> {
    try {
      while (await this.#sendNext());
    } catch (error) {
      this.failure = { error };
      this.#send({ kind: "cancel", job: this.#job });
    }
  }

  /** The thread has taken a piece. */
  taken(): void {
    this.#room++;
    this.#wake.resolve();
  }

  /** Nobody wants the rest. The source is let go of, which one that waits for bytes may do only when they come. */
  stop(): void {
    this.#isStopped = true;
    this.#wake.resolve();
    void this.#source.return?.().catch(() => undefined);
  }

  async #sendNext(): Promise<boolean> {
    const next = await this.#source.next();
    if (this.#isStopped) return false;
    if (next.done) {
      await this.#flush();
      this.#send({ kind: "end", job: this.#job });
      return false;
    }
    for (let at = 0; at < next.value.byteLength; ) {
      if (this.#piece.byteLength === 0) this.#piece = new Uint8Array(PIECE_BYTES);
      const part = next.value.subarray(at, at + PIECE_BYTES - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.byteLength;
      at += part.byteLength;
      if (this.#filled === PIECE_BYTES) await this.#flush();
    }
    return !this.#isStopped;
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    while (this.#room === 0 && !this.#isStopped) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
    this.#room--;
    const bytes = this.#piece.subarray(0, this.#filled);
    this.#piece = new Uint8Array(0);
    this.#filled = 0;
    if (!this.#isStopped) this.#send({ kind: "piece", job: this.#job, bytes }, [bytes.buffer]);
  }
}
