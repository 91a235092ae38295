import { Duplex } from "node:stream";
import { DetachKeys } from "#lib/stream";

/**
 * A client's side of a process's stdio. The process's side may come later: what is written meanwhile waits (within the
 * usual high-water mark). Half-closing goes through; detach keys among what is written end the stream, not the process.
 */
export class ClientStream extends Duplex {
  readonly #keys: DetachKeys | undefined;
  readonly #onDetach: () => void;
  readonly #endsAfter: Promise<unknown> | undefined;
  #process: Duplex | undefined;
  #wantsData = false;
  #isOver = false;
  #whenConnected: (() => void)[] = [];
  #whenRead: (() => void)[] = [];

  /** With `endsAfter` the client sees the end of the output only when that has settled too. */
  constructor(
    options: {
      detachKeys?: readonly number[] | undefined;
      onDetach?: () => void;
      endsAfter?: Promise<unknown>;
    } = {},
  ) {
    super({ allowHalfOpen: true });
    this.#keys = options.detachKeys && new DetachKeys(options.detachKeys);
    this.#onDetach = options.onDetach ?? (() => undefined);
    this.#endsAfter = options.endsAfter;
  }

  /** Joins the two. A client that left meanwhile closes the process's side. */
  connect(side: Duplex): void {
    if (this.destroyed || this.#isOver) {
      side.destroy();
      return;
    }
    this.#process = side;
    side.on("data", (chunk: Uint8Array) => {
      if (!this.#isOver && !this.push(chunk)) side.pause();
    });
    const end = () => {
      if (this.#endsAfter) void this.#endsAfter.finally(() => this.#endReading());
      else this.#endReading();
    };
    side.on("end", end);
    side.on("close", end);
    side.on("error", (error) => this.destroy(error));
    if (!this.#wantsData) side.pause();
    for (const go of this.#whenConnected.splice(0)) go();
  }

  /** Puts something before all that the process will say. Resolves when the client has room for more, or is gone. */
  async prepend(piece: Uint8Array): Promise<void> {
    if (this.destroyed || this.#isOver || this.push(piece)) return;
    await new Promise<void>((resolve) => this.#whenRead.push(resolve));
  }

  /** There will be no other side: the client sees the end. */
  abandon(): void {
    if (this.#process || this.destroyed) return;
    this.#endReading();
    for (const go of this.#whenConnected.splice(0)) go();
  }

  override _read(): void {
    this.#wantsData = true;
    this.#process?.resume();
    for (const go of this.#whenRead.splice(0)) go();
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: () => void): void {
    const { output, detached } = this.#keys?.scan(chunk) ?? { output: chunk, detached: false };
    const forward = () => this.#forward(output, done);
    if (detached) this.#detach(done);
    else if (this.#process || this.#isOver) forward();
    else this.#whenConnected.push(forward);
  }

  override _final(done: () => void): void {
    const end = () => {
      this.#process?.end();
      done();
    };
    if (this.#process || this.#isOver) end();
    else this.#whenConnected.push(end);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#isOver = true;
    this.#process?.destroy();
    for (const go of [...this.#whenConnected.splice(0), ...this.#whenRead.splice(0)]) go();
    done(error);
  }

  #detach(done: () => void): void {
    this.#endReading();
    this.#process?.destroy();
    this.#onDetach();
    done();
  }

  #endReading(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.push(null);
    for (const go of this.#whenRead.splice(0)) go();
  }

  /** What the process can no longer take is dropped, as a closed stdin drops it. */
  #forward(chunk: Uint8Array, done: () => void): void {
    const side = this.#process;
    if (!side || side.destroyed || side.writableEnded || side.write(chunk)) {
      done();
      return;
    }
    const release = () => {
      side.off("drain", release);
      side.off("close", release);
      done();
    };
    side.on("drain", release);
    side.on("close", release);
  }
}
