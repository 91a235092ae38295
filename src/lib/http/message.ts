import type { Duplex } from "node:stream";

/** One request. Its body may be read once, while it arrives; what the handler leaves unread is dropped. */
export interface HttpRequest {
  readonly method: string;
  /** As sent, percent-encoded, without the query. Begins with `/`, or is `*`. */
  readonly path: string;
  /** What follows the `?`, as sent; empty when there is none. */
  readonly query: string;
  /** By lower-case name; lines of the same name are joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** @throws HttpError when the client stops half-way or sends no valid chunks */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the client hangs up, or half-closes, before the response is complete (as Go's server does). */
  readonly signal: AbortSignal;
}

/** What a handler answers: a value, sent by the connection. */
export interface HttpResponse {
  readonly status: number;
  /** Reason phrase where it is not the standard one (`UPGRADED`). */
  readonly reason?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A whole body, or one that is sent chunk by chunk as it comes; the head is then sent at once. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array | string>;
  /** Has no end of its own (a followed log, a wait): a server that shuts down cuts it instead of waiting for it. */
  readonly endless?: boolean;
  /**
   * Takes the connection over once the head is sent. Reading gives what the client sends, with an end when it
   * half-closes; `end()` half-closes our side; `destroy()` hangs up. Resolves when the connection may be closed.
   */
  readonly hijack?: (connection: Duplex) => Promise<void>;
}

/** Answers a request. What it throws becomes an empty 500: a handler has its own table from errors to responses. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/** A request that is no HTTP or passes a limit. It is answered with its status and the connection is closed. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
