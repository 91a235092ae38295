import type { HttpResponse } from "#lib/http";

/** A JSON document, as Docker writes it: no escapes for HTML, a newline at the end. */
export function json(value: unknown, status = 200): HttpResponse {
  return { status, headers: { "Content-Type": "application/json" }, body: `${JSON.stringify(value)}\n` };
}

export function text(body: string): HttpResponse {
  return { status: 200, headers: { "Content-Type": "text/plain; charset=utf-8" }, body };
}

export function empty(status: number): HttpResponse {
  return { status, headers: {} };
}
