/**
 * The words of registries' failures, which are Docker's, and what may be done about them: `data.temporary` says that another try
 * may help, `data.retryAfterMs` not before when, `data.code` is the registry's own code (`MANIFEST_UNKNOWN`).
 */
import { familiarName, familiarReference, type Reference } from "#api/distribution";
import { EngineError, type ErrorKind } from "#lib/errors";

/** Whether the same may well work a little later. */
export function isTemporary(error: unknown): error is EngineError {
  return error instanceof EngineError && error.data.temporary === true;
}

/** How long a registry wants to be left alone. */
export function retryAfterOf(error: EngineError): number {
  return typeof error.data.retryAfterMs === "number" ? error.data.retryAfterMs : 0;
}

export function codeOf(error: unknown): string {
  return error instanceof EngineError && typeof error.data.code === "string" ? error.data.code : "";
}

export function temporary(message: string, data: Record<string, unknown> = {}): EngineError {
  return new EngineError("unavailable", message, { data: { ...data, temporary: true } });
}

export function canceled(): EngineError {
  return new EngineError("canceled", "context canceled");
}

/** @throws `canceled` when the signal is aborted */
export function throwIfCanceled(signal: AbortSignal): void {
  if (signal.aborted) throw canceled();
}

/** Says which request failed, as Go's client does: `Get "https://…": reason`. */
export function requestError(method: string, url: URL, cause: EngineError): EngineError {
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return new EngineError(cause.kind, `${verb} "${withoutSecrets(url)}": ${cause.message}`, { cause, data: cause.data });
}

/** What a query may show. Others are signatures of storage, states of uploads, accounts. */
const PLAIN_PARAMETERS = ["q", "n", "last", "mount", "from", "digest"];

function withoutSecrets(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  if (![...url.searchParams.keys()].every((name) => PLAIN_PARAMETERS.includes(name))) shown.search = "";
  return shown.href;
}

/** What Docker makes of a registry's refusal to show an image. */
export function pullError(error: unknown, reference: Reference): unknown {
  if (!(error instanceof EngineError)) return error;
  const say = (message: string) => new EngineError("not-found", message, { cause: error, data: error.data });
  switch (codeOf(error)) {
    case "DENIED":
      return say(
        `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': ${error.message}`,
      );
    case "MANIFEST_UNKNOWN":
      return say(`manifest for ${familiarReference(reference)} not found: ${error.message}`);
    case "NAME_UNKNOWN":
      return say(`repository ${familiarName(reference)} not found: ${error.message}`);
    default:
      return error;
  }
}

/** A login is needed that was not made. Docker's clients would ask for it at the terminal if this were `unauthorized`. */
export function noBasicCredentials(): EngineError {
  return new EngineError("internal", "no basic auth credentials");
}

export function invalidAnswer(message: string, data: Record<string, unknown> = {}): EngineError {
  return new EngineError("invalid-parameter", message, { data });
}

const CODE_KINDS: Readonly<Record<string, ErrorKind>> = {
  UNAUTHORIZED: "unauthorized",
  DENIED: "forbidden",
  BLOB_UNKNOWN: "not-found",
  BLOB_UPLOAD_UNKNOWN: "not-found",
  MANIFEST_UNKNOWN: "not-found",
  MANIFEST_BLOB_UNKNOWN: "not-found",
  NAME_UNKNOWN: "not-found",
  TOOMANYREQUESTS: "unavailable",
  UNAVAILABLE: "unavailable",
};
const STATUS_KINDS: Readonly<Record<number, ErrorKind>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  408: "unavailable",
  409: "conflict",
  429: "unavailable",
};

/** The kind of a refusal: what the registry's code says, else the status. */
export function kindOf(code: string, status: number): ErrorKind {
  const byCode = Object.hasOwn(CODE_KINDS, code) ? CODE_KINDS[code] : undefined;
  return byCode ?? STATUS_KINDS[status] ?? (status >= 500 ? "unavailable" : "invalid-parameter");
}
