import type { ByteSource } from "./byte-source.ts";
import { HttpError } from "./message.ts";
import type { RequestHead } from "./parse-head.ts";

// A chunk's size line, its extensions included; we use none of them.
const SIZE_LINE_LIMIT_BYTES = 256;
const TRAILER_LIMIT_BYTES = 8 * 1024;

/** The body of one request as it arrives. `finished` tells that the next byte of the source belongs to another request. */
export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #source: ByteSource;
  readonly #length: number | "chunked";
  readonly #onFirstRead: () => void;
  #finished: boolean;
  #started = false;
  #reading: AsyncGenerator<Uint8Array, void> | undefined;

  constructor(source: ByteSource, head: Pick<RequestHead, "length">, onFirstRead: () => void) {
    this.#source = source;
    this.#length = head.length;
    this.#onFirstRead = onFirstRead;
    this.#finished = head.length === 0;
  }

  get finished(): boolean {
    return this.#finished;
  }

  get started(): boolean {
    return this.#started;
  }

  /** Every iterator goes on where the one before stopped. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void> {
    this.#reading ??= this.#read();
    const chunks = this.#reading;
    // Without `return`, so that a reader that breaks off does not end the body for the next one.
    return { next: () => chunks.next() };
  }

  async *#read(): AsyncGenerator<Uint8Array, void> {
    if (this.#finished) return;
    this.#started = true;
    this.#onFirstRead();
    yield* this.#length === "chunked" ? this.#chunked() : this.#exactly(this.#length);
    this.#finished = true;
  }

  async *#chunked(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const size = chunkSize(await this.#line(SIZE_LINE_LIMIT_BYTES));
      if (size === 0) break;
      yield* this.#exactly(size);
      if ((await this.#line(0)) !== "") throw new HttpError(400, "malformed chunk");
    }
    for (let left = TRAILER_LIMIT_BYTES; ; ) {
      const line = await this.#line(left);
      if (line === "") return;
      left -= line.length;
    }
  }

  async *#exactly(size: number): AsyncGenerator<Uint8Array, void> {
    for (let left = size; left > 0; ) {
      const chunk = await this.#take(left);
      left -= chunk.length;
      yield chunk;
    }
  }

  /** At most `limit` bytes, at least one. */
  async #take(limit: number): Promise<Buffer> {
    const chunk = await this.#source.read();
    if (!chunk) throw new HttpError(400, "unexpected EOF");
    if (chunk.length <= limit) return chunk;
    this.#source.unread(chunk.subarray(limit));
    return chunk.subarray(0, limit);
  }

  /** A line of at most `limit` bytes, without its CRLF. */
  async #line(limit: number): Promise<string> {
    let line = "";
    for (;;) {
      const chunk = await this.#take(limit + 2);
      const end = chunk.indexOf(10);
      line += chunk.toString("latin1", 0, end < 0 ? chunk.length : end + 1);
      if (line.length > limit + 2) throw new HttpError(400, "malformed chunk");
      if (end < 0) continue;
      this.#source.unread(chunk.subarray(end + 1));
      if (!line.endsWith("\r\n")) throw new HttpError(400, "malformed chunk");
      return line.slice(0, -2);
    }
  }
}

function chunkSize(line: string): number {
  const digits = /^([0-9A-Fa-f]{1,12})[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line)?.[1];
  if (digits === undefined) throw new HttpError(400, "malformed chunk size");
  return Number.parseInt(digits, 16);
}
