import { EngineError, messageOf } from "#lib/errors";
import { parseChallenges } from "./challenge.ts";
import { kindOf } from "./errors.ts";
import { retryAfterMs } from "./retry-after.ts";

interface RefusedResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** As much of the body as is looked at. */
  readonly body: string;
  readonly nowMs: number;
}

/** What of a registry's own words is passed on. */
const MESSAGE_LIMIT = 1000;
const TOO_MANY_REQUESTS = 429;

interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Turns an answer that is no success into an error in the words of Docker's registry client. */
export function refusalError(response: RefusedResponse): EngineError {
  const { status, statusText, headers, nowMs } = response;
  const isTemporary = status >= 500 || status === TOO_MANY_REQUESTS || status === 408;
  const delay = isTemporary ? retryAfterMs(headers.get("retry-after"), nowMs) : undefined;
  const temporary = isTemporary ? { temporary: true, ...(delay !== undefined && { retryAfterMs: delay }) } : {};
  if (status >= 500) {
    const message = `received unexpected HTTP status: ${status} ${printable(statusText)}`.trimEnd();
    return new EngineError("unavailable", message, { data: { status, ...temporary } });
  }
  const refusal = bearerRefusal(headers) ?? bodyRefusal(response);
  return new EngineError(kindOf(refusal.code, status), refusal.message, {
    data: { status, code: refusal.code, ...temporary },
  });
}

/** Said in the challenge itself (RFC 6750, 3.1). */
function bearerRefusal(headers: Headers): Refusal | undefined {
  for (const { scheme, parameters } of parseChallenges(headers.get("www-authenticate") ?? "")) {
    if (scheme !== "bearer") continue;
    const said = parameters.get("error_description");
    if (parameters.get("error") === "invalid_token") return refusal("UNAUTHORIZED", said ?? WORDS.UNAUTHORIZED);
    if (parameters.get("error") === "insufficient_scope") return refusal("DENIED", said ?? WORDS.DENIED);
  }
  return undefined;
}

function bodyRefusal({ status, headers, body }: RefusedResponse): Refusal {
  const type = (headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const isJson = type === "application/json" || type.endsWith("+json");
  const code = codeOfStatus(status);
  if (body.trim() === "") return refusal(code, code === "UNKNOWN" ? `HTTP status ${status}` : WORDS[code]);
  return isJson ? jsonRefusal(status, body) : refusal(code, body.trim());
}

/** For answers without a body, as to HEAD. */
const WORDS = {
  UNAUTHORIZED: "authentication required",
  DENIED: "requested access to the resource is denied",
  TOOMANYREQUESTS: "too many requests",
} as const;

function jsonRefusal(status: number, body: string): Refusal {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch (error) {
    return unreadable(status, messageOf(error), body);
  }
  const { errors, details } = (document ?? {}) as { errors?: unknown; details?: unknown };
  if (typeof details === "string" && details !== "") return refusal(codeOfStatus(status), details);
  const all = Array.isArray(errors) ? errors.flatMap(readError) : [];
  const [first] = all;
  if (!first) return unreadable(status, "no error details found in HTTP response body", body);
  return all.length === 1
    ? first
    : { code: first.code, message: clip(`errors:\n${all.map((each) => each.message).join("\n")}\n`) };
}

function readError(value: unknown): Refusal[] {
  if (typeof value !== "object" || value === null) return [];
  const { code, message } = value as { code?: unknown; message?: unknown };
  if (typeof code !== "string") return [];
  return [refusal(code, typeof message === "string" ? message : "")];
}

function unreadable(status: number, reason: string, body: string): Refusal {
  const code = status === 401 ? "UNAUTHORIZED" : "";
  return { code, message: clip(`error parsing HTTP ${status} response body: ${reason}: ${JSON.stringify(body)}`) };
}

/** `manifest unknown: manifest unknown`: the code in words, and what the registry adds. */
function refusal(code: string, message: string): Refusal {
  const words = code.toLowerCase().replaceAll("_", " ");
  return { code, message: clip(message === "" ? words : `${words}: ${message}`) };
}

function codeOfStatus(status: number): keyof typeof WORDS | "UNKNOWN" {
  if (status === 401) return "UNAUTHORIZED";
  if (status === 403) return "DENIED";
  return status === TOO_MANY_REQUESTS ? "TOOMANYREQUESTS" : "UNKNOWN";
}

function clip(text: string): string {
  const clean = printable(text);
  return clean.length > MESSAGE_LIMIT ? `${clean.slice(0, MESSAGE_LIMIT)}…` : clean;
}

/** A terminal will show it: no control characters but line feeds. */
function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, " ");
}
