import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { ByteSource } from "./byte-source.ts";

// How soon a client that first half-closed and then vanished is noticed.
const GONE_CHECK_MS = 500;

/**
 * A connection after its request was answered, as a raw stream. Unlike the socket itself it has lost nothing that
 * came before the taker was ready, the end included, and it closes when the client is gone.
 */
export class HijackedStream extends Duplex {
  readonly #source: ByteSource;
  readonly #socket: Socket;
  #goneCheck: NodeJS.Timeout | undefined;

  constructor(source: ByteSource, socket: Socket) {
    super({ allowHalfOpen: true });
    this.#source = source;
    this.#socket = socket;
    // What the client sent before it left is still delivered.
    socket.on("close", () => (this.readableEnded ? this.destroy() : this.once("end", () => this.destroy())));
    source.onEnd(() => this.#watch());
  }

  override _read(): void {
    void this.#source.read().then((chunk) => this.push(chunk ?? null));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#goneCheck);
    this.#socket.destroy();
    done(error);
  }

  /**
   * After the client's end, "has half-closed" has to be told from "is gone". Bun (1.4) emits no event for the latter,
   * it only drops the socket's handle. On TCP neither can be told before the next write or keepalive fails.
   */
  #watch(): void {
    const check = () => {
      if (!(this.#socket as { _handle?: unknown })._handle) this.#socket.destroy();
    };
    setImmediate(check);
    this.#goneCheck = setInterval(check, GONE_CHECK_MS);
    this.#goneCheck.unref();
  }
}
