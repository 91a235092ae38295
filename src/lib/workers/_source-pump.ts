import { PIECE_BYTES, type ToWorker, WINDOW } from "./_protocol.ts";

/**
 * Sends a source to a thread, as fast as buffers come back. Bytes are copied once, so whoever made them may keep them.
 */
export class SourcePump {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #job: number;
  readonly #send: (message: ToWorker, transfer?: readonly ArrayBuffer[]) => void;
  readonly #free: ArrayBuffer[] = [];
  #buffers = 0;
  #isStopped = false;
  #wake = Promise.withResolvers<void>();
  #piece: Uint8Array<ArrayBuffer> | undefined;
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

  /** The thread has used a piece. */
  giveBack(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
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
      this.#flush();
      this.#send({ kind: "end", job: this.#job });
      return false;
    }
    for (let at = 0; at < next.value.byteLength && !this.#isStopped; ) {
      this.#piece ??= await this.#buffer();
      const part = next.value.subarray(at, at + PIECE_BYTES - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.byteLength;
      at += part.byteLength;
      if (this.#filled === PIECE_BYTES) this.#flush();
    }
    return !this.#isStopped;
  }

  async #buffer(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#free.length === 0 && this.#buffers < WINDOW) {
      this.#buffers++;
      return new Uint8Array(PIECE_BYTES);
    }
    while (this.#free.length === 0 && !this.#isStopped) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(PIECE_BYTES));
  }

  #flush(): void {
    if (this.#piece === undefined) return;
    const bytes = this.#piece.subarray(0, this.#filled);
    this.#piece = undefined;
    this.#filled = 0;
    if (!this.#isStopped) this.#send({ kind: "piece", job: this.#job, bytes }, [bytes.buffer]);
  }
}
