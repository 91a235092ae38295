import { messageOf } from "#lib/errors";
import { HttpError } from "#lib/http";
import { invalid } from "./errors.ts";
import type { ApiRequest } from "./router.ts";

// The largest documents that clients send are service specs and container configs: tens of kilobytes.
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 64;

export type JsonObject = Record<string, unknown>;

/**
 * The JSON object in a request's body; undefined when the body is empty (or `null`).
 *
 * @throws EngineError `invalid-parameter` with Docker's words for what is no JSON; HttpError 413
 */
export async function readJson(request: Pick<ApiRequest, "headers" | "body">): Promise<JsonObject | undefined> {
  const bytes = await readBytes(request.body, BODY_LIMIT_BYTES);
  if (bytes.length === 0) return undefined;
  checkContentType(request.headers.get("content-type") ?? "");
  const value = parse(bytes.toString());
  if (value === null || value === undefined) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) {
    const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    throw invalid(`invalid JSON: json: cannot unmarshal ${kind} into Go value of type object`);
  }
  return value as JsonObject;
}

/** @throws HttpError 413 when there is more than `limit` */
export async function readBytes(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) throw new HttpError(413, `request body is larger than ${limit} bytes`);
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
    throw invalid(startsWithValue(text) ? "unexpected content after JSON" : `invalid JSON: ${messageOf(error)}`);
  }
}

/** Whether a whole JSON object stands at the beginning of the text, so that only what follows it is wrong. */
function startsWithValue(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === "\\") at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{" || character === "[") {
      if (++depth > MAX_DEPTH) return false;
    } else if (character === "}" || character === "]") {
      if (--depth === 0) return isJson(text.slice(0, at + 1));
    }
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
