import { EngineError, type ErrorKind } from "#lib/errors";

/** The codes of the distribution specification ("Error Codes") and those that Docker's registry adds, each with its usual status and message. */
const CODES = {
  BLOB_UNKNOWN: [404, "blob unknown to registry"],
  BLOB_UPLOAD_INVALID: [400, "blob upload invalid"],
  BLOB_UPLOAD_UNKNOWN: [404, "blob upload unknown to registry"],
  DIGEST_INVALID: [400, "provided digest did not match uploaded content"],
  MANIFEST_BLOB_UNKNOWN: [404, "manifest references a manifest or blob unknown to registry"],
  MANIFEST_INVALID: [400, "manifest invalid"],
  MANIFEST_UNKNOWN: [404, "manifest unknown to registry"],
  NAME_INVALID: [400, "invalid repository name"],
  NAME_UNKNOWN: [404, "repository name not known to registry"],
  SIZE_INVALID: [400, "provided length did not match content length"],
  TAG_INVALID: [400, "invalid tag"],
  PAGINATION_NUMBER_INVALID: [400, "invalid number of results requested"],
  RANGE_INVALID: [416, "invalid content range"],
  UNAUTHORIZED: [401, "authentication required"],
  DENIED: [403, "requested access to the resource is denied"],
  UNSUPPORTED: [405, "the operation is unsupported"],
  TOOMANYREQUESTS: [429, "too many requests"],
  UNAVAILABLE: [503, "service unavailable"],
  UNKNOWN: [500, "unknown error"],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type ErrorCode = keyof typeof CODES;

/** Failures of storage and of upstream that no handler gave a meaning of its own. What is not here is `UNKNOWN`. */
const CODE_OF_KIND: Partial<Record<ErrorKind, ErrorCode>> = {
  unavailable: "UNAVAILABLE",
  "deadline-exceeded": "UNAVAILABLE",
  unauthorized: "UNAUTHORIZED",
  forbidden: "DENIED",
};

/** What a handler throws to be answered in the specification's form. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string = CODES[code][1],
    options: { status?: number; detail?: unknown; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.code = code;
    this.status = options.status ?? CODES[code][0];
    this.detail = options.detail;
    this.headers = options.headers ?? {};
  }
}

/** What a client is told of anything that was thrown; undefined for a failure that is none of its business. */
export function registryErrorOf(error: unknown): RegistryError | undefined {
  if (error instanceof RegistryError) return error;
  const code = error instanceof EngineError ? CODE_OF_KIND[error.kind] : undefined;
  return code === undefined ? undefined : new RegistryError(code, (error as EngineError).message);
}

/** `{"errors":[{code,message,detail}]}` with the status of its code. */
export function errorResponse(error: RegistryError): Response {
  const { code, message, detail } = error;
  const body = JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] });
  return new Response(body, {
    status: error.status,
    headers: { "Content-Type": "application/json", ...error.headers },
  });
}
