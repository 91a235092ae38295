import { EngineError, type ErrorKind, messageOf } from "#lib/errors";
import { HttpError, type HttpResponse } from "#lib/http";
import { json } from "./reply.ts";

/** The one table from what went wrong to what the client is told (engine-api notes 2). */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  "not-found": 404,
  "invalid-parameter": 400,
  "already-exists": 409,
  conflict: 409,
  "failed-precondition": 400,
  "not-modified": 304,
  unauthorized: 401,
  forbidden: 403,
  unavailable: 503,
  "not-implemented": 501,
  canceled: 500,
  "deadline-exceeded": 500,
  internal: 500,
};

export function statusOf(error: unknown): number {
  if (error instanceof EngineError) return STATUS[error.kind];
  return error instanceof HttpError ? error.status : 500;
}

/** The answer to a failed request. Of a broken invariant the client sees the message and never the stack. */
export function errorResponse(error: unknown): HttpResponse {
  const status = statusOf(error);
  return status === 304 ? { status, headers: {} } : json({ message: messageOf(error) }, status);
}

/** True for what the log of the daemon must show with its stack: not the world's doing, but ours. */
export function isBug(error: unknown): boolean {
  return !(error instanceof EngineError || error instanceof HttpError);
}

export function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}

/** What this version of tug does not do yet, said by name. */
export function notImplemented(feature: string): EngineError {
  return new EngineError("not-implemented", `${feature} is not implemented in this version of tug`);
}
