/** What callers can tell apart. Each face of the engine (HTTP, gRPC, registry) maps these in one table. */
export type ErrorKind =
  | "not-found"
  | "invalid-parameter"
  | "already-exists"
  | "conflict"
  | "failed-precondition"
  | "not-modified"
  | "unauthorized"
  | "forbidden"
  | "unavailable"
  | "not-implemented"
  | "canceled"
  | "deadline-exceeded"
  | "internal";

/**
 * Something that the world did: a missing object, a bad request, a full disk. The message says what failed,
 * on which object and why; `data` holds what a caller may act on. A broken invariant of ours is no
 * EngineError: it is an assertion.
 */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly kind: ErrorKind;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(kind: ErrorKind, message: string, options: { cause?: unknown; data?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.kind = kind;
    this.data = options.data ?? {};
  }
}

export function isKind(error: unknown, kind: ErrorKind): error is EngineError {
  return error instanceof EngineError && error.kind === kind;
}

/** The text of anything that was thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
