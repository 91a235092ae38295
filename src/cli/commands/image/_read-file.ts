import { createReadStream } from "node:fs";
import { EngineError } from "#lib/errors";
import { openFault } from "../../create/env-files.ts";

const READ_BYTES = 1 << 20;

/** The bytes of a file that a user named. @throws EngineError `invalid-parameter` when it cannot be read */
export async function* readFileParts(path: string): AsyncGenerator<Uint8Array, void> {
  try {
    yield* createReadStream(path, { highWaterMark: READ_BYTES });
  } catch (cause) {
    throw new EngineError("invalid-parameter", openFault(path, cause), { cause });
  }
}
