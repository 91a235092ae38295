import type { Socket } from "node:net";
import { watchForGone } from "./byte-source.ts";
import type { HttpResponse } from "./message.ts";

const REASONS: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  200: "OK",
  201: "Created",
  204: "No Content",
  301: "Moved Permanently",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  409: "Conflict",
  413: "Request Entity Too Large",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

const CHUNK_END = Buffer.from("\r\n");
const LAST_CHUNK = "0\r\n\r\n";

interface WriteOptions {
  readonly method: string;
  readonly http10: boolean;
  readonly keepAlive: boolean;
  readonly date: string;
}

/**
 * Sends one response. The head of a streamed body leaves at once; each chunk leaves as it comes, and the next one is
 * asked for only when the client keeps up. Resolves to whether the connection may carry another request.
 *
 * @throws what the body throws: the response is cut short then, so that the client cannot take it for a whole one
 */
export async function writeResponse(socket: Socket, response: HttpResponse, options: WriteOptions): Promise<boolean> {
  const { body, status } = response;
  const bodiless = options.method === "HEAD" || status < 200 || status === 204 || status === 304;
  const whole = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const keepAlive = options.keepAlive && (whole || !options.http10);
  let head = `HTTP/1.1 ${status} ${response.reason ?? REASONS[status] ?? "Status"}\r\n`;
  for (const name in response.headers) head += `${name}: ${response.headers[name]}\r\n`;
  if (response.hijack) {
    socket.write(`${head}\r\n`, "latin1");
    return false;
  }
  head += `Date: ${options.date}\r\n`;
  if (!keepAlive) head += "Connection: close\r\n";
  if (whole) {
    const bytes = typeof body === "string" ? Buffer.from(body) : (body ?? Buffer.alloc(0));
    if (status >= 200 && status !== 204 && status !== 304) head += `Content-Length: ${bytes.length}\r\n`;
    const first = Buffer.from(`${head}\r\n`, "latin1");
    await send(socket, bodiless || bytes.length === 0 ? first : Buffer.concat([first, bytes]));
    return keepAlive;
  }
  if (!options.http10) head += "Transfer-Encoding: chunked\r\n";
  await send(socket, Buffer.from(`${head}\r\n`, "latin1"));
  if (bodiless) return keepAlive;
  for await (const chunk of untilClosed(socket, body)) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (bytes.length > 0 && !(await send(socket, options.http10 ? bytes : framed(bytes)))) return false;
  }
  if (!options.http10) await send(socket, Buffer.from(LAST_CHUNK));
  return keepAlive;
}

/** The chunks of a body for as long as there is a client, even while the next one does not come. */
async function* untilClosed<T>(socket: Socket, body: AsyncIterable<T>): AsyncGenerator<T> {
  const chunks = body[Symbol.asyncIterator]();
  let abandon: (() => void) | undefined;
  const onClose = () => abandon?.();
  socket.once("close", onClose);
  try {
    while (!socket.destroyed) {
      const next = await new Promise<IteratorResult<T, unknown> | undefined>((resolve, reject) => {
        abandon = () => resolve(undefined);
        chunks.next().then(resolve, reject);
      });
      if (!next || next.done) return;
      yield next.value;
    }
  } finally {
    socket.off("close", onClose);
    // Not awaited: a source that is stuck would hold the connection.
    void chunks.return?.().catch(() => undefined);
  }
}

function framed(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CHUNK_END]);
}

/** Resolves when more may be written; to false when the connection is gone. */
async function send(socket: Socket, bytes: Uint8Array): Promise<boolean> {
  if (socket.destroyed || !socket.writable) return false;
  if (socket.write(bytes)) return true;
  using _watch = watchForGone(socket);
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
  return !socket.destroyed;
}
