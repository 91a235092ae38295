import type { Socket } from "node:net";

// Read ahead of the consumer at most so much, enough for pipelined requests and a steady upload.
const READ_AHEAD_BYTES = 256 * 1024;
// How soon a client that first half-closed and then vanished is noticed.
const GONE_CHECK_MS = 500;

/**
 * What a socket receives, to be pulled. It goes on reading (up to a bound) while nobody pulls, because that is the
 * only way to notice that a client has gone while its request is worked on.
 */
export class ByteSource {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #onEnd: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#add(chunk));
    socket.on("end", () => {
      closeWhenGone(socket);
      this.#finish();
    });
    socket.on("close", () => this.#finish());
  }

  /** The client has closed its side, or the connection is gone. Bytes may still wait to be read. */
  get ended(): boolean {
    return this.#ended;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Called once when the source ends; at once if it has. One listener at a time: a new one replaces it. */
  onEnd(listener: (() => void) | undefined): void {
    this.#onEnd = listener;
    if (this.#ended) listener?.();
  }

  /** The next bytes; undefined at the end. One caller at a time. */
  async read(): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunk = this.#chunks.shift();
    this.#bufferedBytes -= chunk?.length ?? 0;
    if (this.#bufferedBytes < READ_AHEAD_BYTES && this.#socket.isPaused()) this.#socket.resume();
    return chunk;
  }

  /** Puts bytes back in front. */
  unread(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.#bufferedBytes += bytes.length;
  }

  #add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes >= READ_AHEAD_BYTES) this.#socket.pause();
    this.#signal();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal();
    this.#onEnd?.();
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/**
 * After the client's end, "has half-closed" has to be told from "is gone". Bun (1.4) emits no event for the latter,
 * it only drops the socket's handle; from this on it does. On TCP neither can be told before the next write or
 * keepalive fails.
 */
function closeWhenGone(socket: Socket): void {
  setImmediate(() => destroyIfGone(socket));
  const check = watchForGone(socket);
  socket.once("close", () => check[Symbol.dispose]());
}

/** Destroys the socket when its client has vanished without an event, until disposed of. */
export function watchForGone(socket: Socket): Disposable {
  const timer = setInterval(() => destroyIfGone(socket), GONE_CHECK_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function destroyIfGone(socket: Socket): void {
  if (!(socket as { _handle?: unknown })._handle) socket.destroy();
}
