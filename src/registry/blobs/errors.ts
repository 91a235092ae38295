import type { Digest } from "#api/oci";
import { EngineError } from "#lib/errors";

export function noSuchBlob(digest: Digest): EngineError {
  return new EngineError("not-found", `no such blob: "${digest}"`);
}

export function noSuchUpload(id: string): EngineError {
  return new EngineError("not-found", `no such upload: "${id}"`);
}

export function digestMismatch(expected: Digest, actual: string): EngineError {
  return new EngineError("invalid-parameter", `upload has digest "${actual}", not "${expected}"`);
}
