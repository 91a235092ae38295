import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { ByteSource } from "./byte-source.ts";

/**
 * A connection after its request was answered, as a raw stream. Unlike the socket itself it has lost nothing that
 * came before the taker was ready, the end included.
 */
export class HijackedStream extends Duplex {
  readonly #source: ByteSource;
  readonly #socket: Socket;

  constructor(source: ByteSource, socket: Socket) {
    super({ allowHalfOpen: true });
    this.#source = source;
    this.#socket = socket;
    // What the client sent before it left is still delivered.
    socket.on("close", () => (this.readableEnded ? this.destroy() : this.once("end", () => this.destroy())));
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
    this.#socket.destroy();
    done(error);
  }
}
