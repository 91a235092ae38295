import { EngineError } from "#lib/errors";

/** A request that no container can fulfil, in the words the user reads. */
export function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
