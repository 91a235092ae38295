import { type EngineError, isKind } from "#lib/errors";
import { connectionError, timeoutError } from "./connection-error.ts";
import { canceled, invalidAnswer, requestError, temporary } from "./errors.ts";
import { refusalError } from "./refusal.ts";
import type { StallWatch } from "./stall-watch.ts";
import type { Method } from "./transport.ts";

interface AnswerContext {
  readonly url: URL;
  readonly method: Method;
  readonly watch: StallWatch;
  readonly signal: AbortSignal;
  /** Closes the connection. */
  readonly abort: () => void;
  readonly release: () => void;
  readonly nowMs: () => number;
}

/** Of a refusal, and of a body that nobody asked for, as much is read. */
const ERROR_LIMIT_BYTES = 64 * 1024;

/** What a server answered. Its body is read once, or not at all; disposing of it frees the connection. */
export class Answer implements AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  readonly url: URL;
  readonly #response: Response;
  readonly #context: AnswerContext;
  #isRead = false;

  constructor(response: Response, context: AnswerContext) {
    this.status = response.status;
    this.headers = response.headers;
    this.url = context.url;
    this.#response = response;
    this.#context = context;
  }

  /** What `Content-Length` says; undefined when it says nothing of sense. */
  get length(): number | undefined {
    const text = this.headers.get("content-length") ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** The body as it comes. @throws `unavailable` (temporary) when it breaks off or stalls, `canceled` */
  async *stream(): AsyncGenerator<Uint8Array> {
    this.#isRead = true;
    const { watch } = this.#context;
    try {
      for await (const chunk of this.#response.body ?? []) {
        // Who reads may take his time.
        watch.hold();
        yield chunk;
        watch.touch();
      }
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  /** The whole of a small body. @throws `invalid-parameter` beyond the limit */
  async read(limitBytes: number): Promise<Uint8Array> {
    if ((this.length ?? 0) > limitBytes) throw this.#tooLarge(limitBytes);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.stream()) {
      size += chunk.length;
      if (size > limitBytes) throw this.#tooLarge(limitBytes);
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks, size));
  }

  /** What this answer is when it is a refusal. */
  async refusal(): Promise<EngineError> {
    const { status, headers } = this;
    const body = await this.#beginning();
    return refusalError({ status, statusText: this.#response.statusText, headers, body, nowMs: this.#context.nowMs() });
  }

  /** The connection is used again when it is known that little is left to read, else closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isRead && this.length !== undefined && this.length <= ERROR_LIMIT_BYTES) await this.#beginning();
    const { watch, release, abort } = this.#context;
    watch.stop();
    release();
    abort();
  }

  /** As much of the body as a refusal needs; what breaks off is enough as it is. */
  async #beginning(): Promise<string> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of this.stream()) {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= ERROR_LIMIT_BYTES) break;
      }
    } catch (error) {
      if (isKind(error, "canceled")) throw error;
    }
    return Buffer.concat(chunks).subarray(0, ERROR_LIMIT_BYTES).toString();
  }

  #failure(cause: unknown): EngineError {
    const { signal, watch, method, url } = this.#context;
    if (signal.aborted) return canceled();
    const reason = watch.isStalled ? timeoutError(watch.limitMs) : connectionError(cause, url);
    return requestError(method, url, reason.data.connection === "ECONNRESET" ? temporary("unexpected EOF") : reason);
  }

  #tooLarge(limitBytes: number): EngineError {
    const { method, url } = this.#context;
    return requestError(method, url, invalidAnswer(`the answer is larger than ${limitBytes} bytes`));
  }
}
