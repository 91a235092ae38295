import { Duplex } from "node:stream";

/**
 * A stream whose other side comes later: what is written meanwhile waits (within the usual high-water mark), what is read
 * waits too. Afterwards it is the other side, half-close included.
 */
export class LateStream extends Duplex {
  #peer: Duplex | undefined;
  #whenConnected: (() => void)[] = [];
  #whenRead: (() => void)[] = [];
  #wantsData = false;

  constructor() {
    super({ allowHalfOpen: true });
  }

  /** Joins the two. A stream that was destroyed meanwhile destroys its peer. */
  connect(peer: Duplex): void {
    if (this.destroyed) {
      peer.destroy();
      return;
    }
    this.#peer = peer;
    peer.on("data", (chunk: Uint8Array) => {
      if (!this.push(chunk)) peer.pause();
    });
    peer.on("end", () => this.push(null));
    peer.on("error", (error) => this.destroy(error));
    peer.on("close", () => {
      if (!peer.readableEnded) this.push(null);
    });
    if (!this.#wantsData) peer.pause();
    for (const go of this.#whenConnected.splice(0)) go();
  }

  /** Puts something before all that the other side will say. Resolves when the reader has room for more, or is gone. */
  async prepend(piece: Uint8Array): Promise<void> {
    if (this.destroyed || this.push(piece)) return;
    await new Promise<void>((resolve) => this.#whenRead.push(resolve));
  }

  /** There will be no other side. */
  abandon(): void {
    if (this.#peer || this.destroyed) return;
    this.push(null);
    for (const go of this.#whenConnected.splice(0)) go();
  }

  override _read(): void {
    this.#wantsData = true;
    this.#peer?.resume();
    for (const go of this.#whenRead.splice(0)) go();
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#peer) this.#forward(chunk, done);
    else this.#whenConnected.push(() => this.#forward(chunk, done));
  }

  override _final(done: (error?: Error | null) => void): void {
    const end = () => {
      this.#peer?.end();
      done();
    };
    if (this.#peer || this.readableEnded) end();
    else this.#whenConnected.push(end);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#peer?.destroy();
    for (const go of [...this.#whenConnected.splice(0), ...this.#whenRead.splice(0)]) go();
    done(error);
  }

  /** What the other side can no longer take is dropped, as a closed stdin drops it. */
  #forward(chunk: Uint8Array, done: (error?: Error | null) => void): void {
    const peer = this.#peer;
    if (!peer || peer.destroyed || peer.writableEnded) done();
    else if (peer.write(chunk)) done();
    else {
      const release = () => {
        peer.off("drain", release);
        peer.off("close", release);
        done();
      };
      peer.on("drain", release);
      peer.on("close", release);
    }
  }
}
