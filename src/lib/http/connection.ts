import type { Socket } from "node:net";
import { RequestBody } from "./body.ts";
import { ByteSource } from "./byte-source.ts";
import { HijackedStream } from "./hijacked-stream.ts";
import type { Limits } from "./limits.ts";
import { HttpError, type HttpHandler, type HttpRequest, type HttpResponse } from "./message.ts";
import { parseHead, type RequestHead } from "./parse-head.ts";
import { readHead } from "./read-head.ts";
import { writeResponse } from "./write-response.ts";

export interface ConnectionOptions {
  readonly handler: HttpHandler;
  readonly limits: Limits;
  /** The value of a `Date` header. */
  readonly date: () => string;
  /** Told what a handler or a body threw: a bug, since both have their own answers to errors of the world. */
  readonly onError: (error: unknown) => void;
}

/**
 * One client's connection: requests one after another (those that a client sends ahead wait their turn), until either
 * side closes or a response hijacks it.
 *
 *     waiting ──head──▶ working ──response──▶ waiting
 *        │                 └──hijack──▶ hijacked ──▶ closed
 *        └── idle too long, client gone, not HTTP ──▶ closed
 */
export class Connection {
  readonly #socket: Socket;
  readonly #source: ByteSource;
  readonly #options: ConnectionOptions;
  #timer: NodeJS.Timeout | undefined;
  #phase: "waiting" | "working" | "endless" = "waiting";
  #answering = false;
  #closing = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#source = new ByteSource(socket);
    this.#options = options;
  }

  /** Resolves when the connection is closed. Never rejects. */
  async serve(): Promise<void> {
    // An error is always followed by "close", which ends the source; there is nobody left to tell.
    this.#socket.on("error", () => undefined);
    try {
      while (await this.#serveOne()) if (this.#closing) break;
    } catch (error) {
      if (!(error instanceof HttpError)) this.#options.onError(error);
      else if (!this.#answering) await this.#refuse(error);
    } finally {
      await this.#hangUp();
    }
  }

  /** No further request: an idle or endless connection ends now, a working one after its response. */
  close(): void {
    this.#closing = true;
    if (this.#phase !== "working") this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #serveOne(): Promise<boolean> {
    const head = await this.#readHead();
    if (!head) return false;
    this.#phase = "working";
    const gone = new AbortController();
    const body = new RequestBody(this.#source, head, () => {
      if (head.expectsContinue) this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    });
    this.#source.onEnd(() => gone.abort());
    const { method, path, query, headers } = head;
    const response = await this.#answer({ method, path, query, headers, body, signal: gone.signal });
    if (response.hijack || response.endless) this.#phase = "endless";
    this.#answering = true;
    const reusable = await writeResponse(this.#socket, response, {
      method,
      http10: head.http10,
      keepAlive: head.keepAlive && !this.#closing,
      date: this.#options.date(),
    });
    this.#source.onEnd(undefined);
    if (response.hijack) {
      const stream = new HijackedStream(this.#source, this.#socket);
      // A client that vanishes destroys the stream, which is all that its taker has to know.
      stream.on("error", () => undefined);
      await response.hijack(stream);
      return false;
    }
    this.#answering = false;
    this.#phase = "waiting";
    return reusable && (await this.#skip(body, head));
  }

  async #answer(request: HttpRequest): Promise<HttpResponse> {
    try {
      return await this.#options.handler(request);
    } catch (error) {
      if (error instanceof HttpError) throw error;
      this.#options.onError(error);
      return { status: 500, headers: {} };
    }
  }

  /** The next request's head; undefined when the client has closed or been silent for too long. */
  async #readHead(): Promise<RequestHead | undefined> {
    const { limits } = this.#options;
    this.#deadline(limits.idleTimeoutMs, undefined);
    try {
      const onBegin = () => this.#deadline(limits.headTimeoutMs, new HttpError(408, "request head took too long"));
      const text = await readHead(this.#source, { limitBytes: limits.headBytes, onBegin });
      return text === undefined ? undefined : parseHead(text);
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** Ends the connection after `ms`, with an answer if there is an error to give. */
  #deadline(ms: number, error: HttpError | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (error) void this.#refuse(error).then(() => this.#socket.destroy());
      else this.#socket.destroy();
    }, ms);
  }

  /** Reads past what the handler left of the body. False when it is too long for that, or not to come. */
  async #skip(body: RequestBody, head: RequestHead): Promise<boolean> {
    if (body.finished) return true;
    if (head.expectsContinue && !body.started) return false;
    let left = this.#options.limits.skipBytes;
    if (typeof head.length === "number" && head.length > left) return false;
    this.#deadline(this.#options.limits.headTimeoutMs, undefined);
    for await (const chunk of body) {
      left -= chunk.length;
      if (left < 0) return false;
    }
    clearTimeout(this.#timer);
    // A body that was malformed is at its end, too, but nobody knows where the next request begins.
    return body.finished;
  }

  async #refuse(error: HttpError): Promise<void> {
    const headers = { "Content-Type": "text/plain; charset=utf-8" };
    const response = { status: error.status, headers, body: `${error.status} ${error.message}` };
    const date = this.#options.date();
    await writeResponse(this.#socket, response, { method: "GET", http10: false, keepAlive: false, date });
  }

  /**
   * Closes in order: waits until the client's side took all that we sent, then reads what it still sends for a
   * moment. A socket closed with unread input would be reset, and our last answer dropped.
   */
  async #hangUp(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once("close", resolve);
      socket.end(resolve);
    });
    const timer = setTimeout(() => socket.destroy(), this.#options.limits.lingerMs);
    while (await this.#source.read());
    clearTimeout(timer);
    socket.destroy();
  }
}
