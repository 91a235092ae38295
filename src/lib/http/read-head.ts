import type { ByteSource } from "./byte-source.ts";
import { HttpError } from "./message.ts";

const HEAD_END = "\r\n\r\n";

interface ReadHeadOptions {
  readonly limitBytes: number;
  /** Called when the request begins, with whatever its first bytes are. */
  readonly onBegin: () => void;
}

/**
 * The text of the next request's head, without its closing empty line; undefined when the client has closed before.
 * The work is linear in the length of the head, however small the pieces are in which it comes.
 *
 * @throws HttpError 400, 431
 */
export async function readHead(source: ByteSource, options: ReadHeadOptions): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // The last bytes of what came before, since the end may be cut in two.
  let tail: Buffer = Buffer.alloc(0);
  for (let first = true; ; first = false) {
    const read = await source.read();
    if (!read) return undefined;
    if (first) options.onBegin();
    const chunk = length === 0 ? withoutEmptyLines(read) : read;
    const seam = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    const found = seam.indexOf(HEAD_END);
    const end = found < 0 ? Number.POSITIVE_INFINITY : length - tail.length + found;
    chunks.push(chunk);
    length += chunk.length;
    if (Math.min(end, length) > options.limitBytes) throw new HttpError(431, "request head is too large");
    if (found >= 0) {
      const all = Buffer.concat(chunks);
      source.unread(all.subarray(end + HEAD_END.length));
      return all.toString("latin1", 0, end);
    }
    if (seam.includes("\n\n")) throw new HttpError(400, "line feed without carriage return");
    tail = seam.subarray(1 - HEAD_END.length);
  }
}

/** A client may send some before a request (RFC 9112 2.2). */
function withoutEmptyLines(bytes: Buffer): Buffer {
  let start = 0;
  while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
  return bytes.subarray(start);
}
