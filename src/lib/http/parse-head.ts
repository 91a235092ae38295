import { HttpError } from "./message.ts";

/** The head of a request, and what it says about the body and the connection. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Length of the body in bytes. */
  readonly length: number | "chunked";
  readonly keepAlive: boolean;
  readonly http10: boolean;
  readonly expectsContinue: boolean;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Visible bytes, blanks and obs-text: no control character but the tab (RFC 9110 5.5).
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TARGET = /^[\x21-\x7e\x80-\xff]+$/;
const SINGLE = new Set(["host", "content-length", "transfer-encoding", "content-type", "authorization"]);

/**
 * Parses the head of a request, without its closing empty line, as strictly as RFC 9112 allows: whatever two
 * implementations could read in two ways (two lengths, a length with chunks, folded lines, bare line feeds) is
 * refused, so that no proxy in front can be made to see another request than we do.
 *
 * @throws HttpError 400, 501 (transfer encoding) or 505 (version)
 */
export function parseHead(text: string): RequestHead {
  const lines = text.split("\r\n");
  const [method = "", target = "", version = "", ...rest] = (lines[0] ?? "").split(" ");
  if (rest.length > 0 || !TOKEN.test(method) || !TARGET.test(target))
    throw new HttpError(400, "malformed request line");
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") {
    throw new HttpError(/^HTTP\/\d+(\.\d+)?$/.test(version) ? 505 : 400, "unsupported protocol version");
  }
  const http10 = version === "HTTP/1.0";
  const headers = parseFields(lines);
  if (!http10 && !headers.has("host")) throw new HttpError(400, "missing required Host header");
  const connection = headers.get("connection")?.toLowerCase() ?? "";
  return {
    method,
    ...splitTarget(target),
    headers,
    length: bodyLength(headers, http10),
    keepAlive: !http10 && !/(^|[\s,])close([\s,]|$)/.test(connection),
    http10,
    expectsContinue: headers.get("expect")?.toLowerCase() === "100-continue",
  };
}

function parseFields(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!TOKEN.test(name) || !FIELD_VALUE.test(value)) throw new HttpError(400, "malformed header line");
    const earlier = headers.get(name);
    if (earlier !== undefined && SINGLE.has(name)) throw new HttpError(400, `more than one ${name} header`);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return headers;
}

function bodyLength(headers: ReadonlyMap<string, string>, http10: boolean): number | "chunked" {
  const encoding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (encoding !== undefined) {
    if (length !== undefined || http10) throw new HttpError(400, "Transfer-Encoding beside Content-Length or HTTP/1.0");
    if (encoding.toLowerCase() !== "chunked") throw new HttpError(501, "unsupported transfer encoding");
    return "chunked";
  }
  if (length === undefined) return 0;
  // Fifteen digits stay exact in a double.
  if (!/^\d{1,15}$/.test(length)) throw new HttpError(400, "bad Content-Length");
  return Number(length);
}

function splitTarget(target: string): { path: string; query: string } {
  const origin = target.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = origin.indexOf("?");
  const path = mark < 0 ? origin : origin.slice(0, mark);
  if (path !== "*" && !path.startsWith("/")) throw new HttpError(400, "malformed request target");
  return { path, query: mark < 0 ? "" : origin.slice(mark + 1) };
}
