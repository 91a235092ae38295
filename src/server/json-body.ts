import { decodeBody, type StructShape } from "#api/engine";
import { messageOf } from "#lib/errors";
import { HttpError } from "#lib/http";
import { invalid } from "./errors.ts";
import type { ApiRequest } from "./router.ts";

// The largest documents that clients send are service specs and container configs: tens of kilobytes.
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
// Documents are sent in one go; whoever needs longer holds a connection on purpose.
const BODY_TIMEOUT_MS = 30_000;

/**
 * The JSON object in a request's body, checked against its shape; undefined when the body is empty.
 *
 * @throws EngineError `invalid-parameter` with Docker's words; HttpError 413
 */
export async function readJson(
  request: Pick<ApiRequest, "headers" | "body">,
  shape: StructShape,
): Promise<Record<string, unknown> | undefined> {
  const value = await readValue(request);
  if (value === undefined) return undefined;
  return value === null ? {} : decodeBody(value, shape);
}

/** The same without a shape: whoever takes a field out of it checks its type. */
export async function readObject(request: Pick<ApiRequest, "headers" | "body">): Promise<Record<string, unknown>> {
  const value = await readValue(request);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Undefined for an empty body. */
async function readValue(request: Pick<ApiRequest, "headers" | "body">): Promise<unknown> {
  const bytes = await readBytes(request.body, BODY_LIMIT_BYTES);
  if (bytes.length === 0) return undefined;
  checkContentType(request.headers.get("content-type") ?? "");
  return parse(bytes.toString());
}

/**
 * All of a body that has to be known as a whole.
 *
 * @throws HttpError 413 when there is more than `limitBytes`, 408 when it has not come in time
 */
export async function readBytes(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
  timeoutMs = BODY_TIMEOUT_MS,
): Promise<Buffer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new HttpError(408, "request body took too long")), timeoutMs);
  try {
    return await Promise.race([gather(body, limitBytes), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function gather(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limitBytes) throw new HttpError(413, `request body is larger than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function checkContentType(text: string): void {
  const type = text.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw invalid(`unsupported Content-Type header (${text}): must be 'application/json'`);
  }
}

function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (beginsWithObject(text)) throw invalid("unexpected content after JSON");
    const reason = messageOf(error).replace("JSON Parse error: ", "");
    throw invalid(`invalid JSON: ${/EOF|Unterminated|Expected '}'$/.test(reason) ? "unexpected EOF" : reason}`);
  }
}

/** Whether a whole object stands at the beginning of the text, so that only what follows it is wrong. */
function beginsWithObject(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === "\\") at++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === "{") depth++;
    else if (!quoted && character === "}" && --depth === 0) return isJson(text.slice(0, at + 1));
  }
  return false;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
