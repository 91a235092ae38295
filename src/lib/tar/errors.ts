import { EngineError } from "#lib/errors";

/** An archive that is no valid tar, or asks for more than `TAR_LIMITS` allows. `offset` is that of the header at fault. */
export function malformedTar(reason: string, offset: number): EngineError {
  return new EngineError("invalid-parameter", `malformed tar at byte ${offset}: ${reason}`, { data: { offset } });
}
