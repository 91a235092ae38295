import { EngineError, type ErrorKind } from "#lib/errors";

const KINDS: Readonly<Record<number, ErrorKind>> = {
  304: "not-modified",
  400: "invalid-parameter",
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  501: "not-implemented",
  503: "unavailable",
};

/** An engine's refusal as an error, in the words that scripts look for: `Error response from daemon: …`. */
export function responseError(
  status: number,
  reason: string,
  path: string,
  body: Uint8Array,
  type: string,
): EngineError {
  return new EngineError(
    KINDS[status] ?? "internal",
    `Error response from daemon: ${text(status, reason, path, body, type)}`,
    {
      data: { status },
    },
  );
}

function text(status: number, reason: string, path: string, body: Uint8Array, type: string): string {
  const raw = new TextDecoder().decode(body);
  if (raw.trim() === "") {
    return `request returned ${status} ${reason} for API route and version ${path}, check if the server supports the requested API version`;
  }
  if (!type.startsWith("application/json")) return raw.trim();
  try {
    const message: unknown = (JSON.parse(raw) as { message?: unknown }).message;
    if (typeof message === "string" && message.trim() !== "") return message.trim();
  } catch {
    // An error page of some proxy in between: its text is all there is to show.
  }
  return raw.trim();
}
