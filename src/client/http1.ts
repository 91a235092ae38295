/**
 * HTTP/1.1 from the client's side, as far as an engine needs it: one exchange at a time on a connection, bodies of
 * known length, chunked, or until the connection ends, and connections that are taken over (`101`, raw streams).
 */
import { EngineError } from "#lib/errors";
import type { Connection } from "./connection.ts";

const MAX_HEAD_BYTES = 64 << 10;
/** A chunk's size line with its extensions. */
const MAX_CHUNK_LINE_BYTES = 4 << 10;

export interface RequestHead {
  readonly method: string;
  /** Path and query, already escaped. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case; repeated headers joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Refuses line breaks in names and values: a header from a config file must not become two. */
export function encodeRequestHead(head: RequestHead): Uint8Array {
  let text = `${head.method} ${head.target} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(head.headers)) {
    if (/[\r\n\0:]/.test(name) || /[\r\n\0]/.test(value)) {
      throw new EngineError("invalid-parameter", `invalid HTTP header "${name}"`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return encoder.encode(`${text}\r\n`);
}

/** Wraps part of a body that is sent in chunks; empty input would end the body and gives nothing. */
export function encodeChunk(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length === 0) return [];
  return [encoder.encode(`${bytes.length.toString(16)}\r\n`), bytes, encoder.encode("\r\n")];
}

export const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/** Reads responses off a connection. What follows a taken-over response's head stays readable through `read`. */
export class ResponseReader {
  readonly #connection: Connection;
  #rest: Uint8Array | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Raw bytes, first those received together with the head. */
  async read(): Promise<Uint8Array | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest ?? this.#connection.read();
  }

  /** The head of the next response; interim `1xx` answers other than `101` are passed over. */
  async head(): Promise<ResponseHead> {
    for (;;) {
      const head = parseResponseHead(await this.#until("\r\n\r\n", MAX_HEAD_BYTES));
      if (head.status >= 200 || head.status === 101) return head;
    }
  }

  /** The body of a response to `method`, in the pieces in which it arrives. */
  body(method: string, head: ResponseHead): AsyncGenerator<Uint8Array, void> {
    if (method === "HEAD" || head.status === 204 || head.status === 304) return this.#sized(0);
    if (head.headers.get("transfer-encoding")?.toLowerCase().includes("chunked")) return this.#chunked();
    const length = head.headers.get("content-length");
    if (length === undefined) return this.#untilEnd();
    if (!/^\d{1,15}$/.test(length)) throw malformed(`content length "${length}"`);
    return this.#sized(Number(length));
  }

  async *#sized(lengthBytes: number): AsyncGenerator<Uint8Array, void> {
    let missing = lengthBytes;
    while (missing > 0) {
      const bytes = await this.#some();
      const part = bytes.subarray(0, missing);
      if (part.length < bytes.length) this.#rest = bytes.subarray(part.length);
      missing -= part.length;
      yield part;
    }
  }

  async *#chunked(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const line = await this.#until("\r\n", MAX_CHUNK_LINE_BYTES);
      const size = /^([0-9a-fA-F]{1,12})\s*(?:;.*)?$/.exec(line)?.[1];
      if (size === undefined) throw malformed(`chunk size "${line}"`);
      const length = Number.parseInt(size, 16);
      if (length === 0) break;
      yield* this.#sized(length);
      await this.#until("\r\n", 2);
    }
    while ((await this.#until("\r\n", MAX_HEAD_BYTES)) !== "");
  }

  async *#untilEnd(): AsyncGenerator<Uint8Array, void> {
    for (let bytes = await this.read(); bytes !== undefined; bytes = await this.read()) yield bytes;
  }

  async #some(): Promise<Uint8Array> {
    const bytes = await this.read();
    if (bytes === undefined) throw new EngineError("unavailable", "unexpected EOF in the engine's answer");
    return bytes;
  }

  async #until(mark: string, limitBytes: number): Promise<string> {
    let seen: Buffer = Buffer.alloc(0);
    for (;;) {
      const bytes = await this.#some();
      const from = Math.max(0, seen.length - mark.length);
      seen =
        seen.length === 0 ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : Buffer.concat([seen, bytes]);
      const end = seen.indexOf(mark, from);
      if (end > limitBytes || (end < 0 && seen.length > limitBytes + mark.length)) throw malformed("line too long");
      if (end < 0) continue;
      const after = end + mark.length;
      if (after < seen.length) this.#rest = seen.subarray(after);
      return decoder.decode(seen.subarray(0, end));
    }
  }
}

function parseResponseHead(text: string): ResponseHead {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine);
  if (match === null) throw malformed(`status line "${statusLine.slice(0, 80)}"`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) throw malformed(`header "${line.slice(0, 80)}"`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return { status: Number(match[1]), reason: match[2] ?? "", headers };
}

function malformed(what: string): EngineError {
  return new EngineError("unavailable", `the engine's answer is not HTTP: bad ${what}`);
}
