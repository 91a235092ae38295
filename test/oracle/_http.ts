/** HTTP/1.1 over a unix socket, byte by byte: what is compared must not have gone through a client's hands. */
import { connect, type Socket } from "node:net";

/** No answer takes longer than the slowest request of the suite: a stop that waits for its grace period. */
const LIMIT_MS = 30_000;

export interface Answer {
  readonly status: number;
  /** Lower-case names; the values of a header that comes twice are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RequestOptions {
  readonly body?: string | Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** One request on a connection of its own, read to its end. */
export async function request(
  socket: string,
  method: string,
  target: string,
  { body, headers = {} }: RequestOptions = {},
): Promise<Answer> {
  const payload = typeof body === "string" ? Buffer.from(body) : body;
  const lines = [`${method} ${target} HTTP/1.1`, "Host: docker", "Connection: close"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (payload) lines.push(`Content-Length: ${payload.length}`);
  const bytes = Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), payload ?? Buffer.alloc(0)]);
  return parseAnswer(await exchange(socket, bytes), method);
}

/** Writes bytes and gives everything that comes back until the server closes. */
export async function exchange(path: string, bytes: Uint8Array): Promise<Buffer> {
  const stream = await RawStream.open(path);
  try {
    stream.write(bytes);
    return await stream.rest();
  } finally {
    stream.close();
  }
}

/** A connection whose two directions are used by hand, as a hijacked one is. */
export class RawStream {
  readonly #socket: Socket;
  readonly #ended = Promise.withResolvers<void>();
  #received: Buffer = Buffer.alloc(0);
  #more = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#more.resolve();
    });
    socket.on("error", () => this.#ended.resolve());
    socket.on("end", () => this.#ended.resolve());
    socket.on("close", () => this.#ended.resolve());
  }

  static async open(path: string): Promise<RawStream> {
    const socket = connect({ path, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawStream(socket);
  }

  write(bytes: Uint8Array | string): void {
    this.#socket.write(bytes);
  }

  /** The client has nothing more to say. */
  half(): void {
    this.#socket.end();
  }

  /** Everything until the server ends its direction. */
  async rest(): Promise<Buffer> {
    await within(this.#ended.promise, () => `no end after ${this.#received.toString("latin1").slice(-500)}`);
    return this.#received;
  }

  /** What came so far, once it contains `text`. */
  async until(text: string): Promise<Buffer> {
    while (!this.#received.includes(text)) {
      const ended = this.#ended.promise.then(() => "ended");
      const what = () => `no "${text}" in ${JSON.stringify(this.#received.toString("latin1").slice(-500))}`;
      if ((await within(Promise.race([this.#more.promise, ended]), what)) === "ended") {
        if (this.#received.includes(text)) break;
        throw new Error(what());
      }
      this.#more = Promise.withResolvers();
    }
    return this.#received;
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function within<T>(work: Promise<T>, what: () => string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${LIMIT_MS} ms: ${what()}`)), LIMIT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export function parseAnswer(bytes: Buffer, method = "GET"): Answer {
  const split = bytes.indexOf("\r\n\r\n");
  if (split < 0) throw new Error(`no HTTP answer: ${JSON.stringify(bytes.toString("latin1"))}`);
  const [first = "", ...lines] = bytes.subarray(0, split).toString("latin1").split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const rest = bytes.subarray(split + 4);
  const body = headers["transfer-encoding"] === "chunked" && method !== "HEAD" ? unchunk(rest) : rest;
  return { status: Number(first.split(" ")[1]), headers, body: body.toString("latin1") };
}

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n", offset);
    if (end < 0) break;
    const size = Number.parseInt(bytes.subarray(offset, end).toString("latin1"), 16);
    if (!(size > 0)) break;
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    offset = end + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
