/**
 * What goes between the main thread and a worker thread. Each job has a number. Its source is sent in `WINDOW` buffers, which go
 * there full and come back to be filled again: new ones would be garbage faster than it is collected.
 *
 *     main → worker   start, then piece …, then end; cancel at any time
 *     worker → main   used for each piece, with its buffer; then done or failed, and nothing after it
 */
import { EngineError, type ErrorKind } from "#lib/errors";

/** Of a buffer. A message takes some 10 µs on either side, so smaller pieces are joined. */
export const PIECE_BYTES = 256 * 1024;
/** Pieces under way for each job: enough to bridge the time that one of them takes to come. */
export const WINDOW = 6;

export type ToWorker =
  | { readonly kind: "start"; readonly job: number; readonly name: string; readonly input: unknown }
  | { readonly kind: "piece"; readonly job: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "end"; readonly job: number }
  | { readonly kind: "cancel"; readonly job: number };

export type FromWorker =
  | { readonly kind: "used"; readonly job: number; readonly buffer: ArrayBuffer }
  | { readonly kind: "done"; readonly job: number; readonly output: unknown }
  | { readonly kind: "failed"; readonly job: number; readonly error: SentError };

/** An error as it is cloned: classes do not survive that. */
export type SentError =
  | { readonly kind: ErrorKind; readonly message: string; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind?: undefined; readonly message: string; readonly stack: string };

export function packError(error: unknown): SentError {
  if (error instanceof EngineError) return { kind: error.kind, message: error.message, data: error.data };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack: stack ?? "" };
}

export function unpackError(sent: SentError): Error {
  if (sent.kind !== undefined) return new EngineError(sent.kind, sent.message, { data: { ...sent.data } });
  const error = new Error(sent.message);
  error.stack = sent.stack;
  return error;
}

export function canceled(cause?: unknown): EngineError {
  return new EngineError("canceled", "context canceled", cause === undefined ? {} : { cause });
}

/** The source of a job that needs none. */
export const NOTHING: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: async function* () {} };
