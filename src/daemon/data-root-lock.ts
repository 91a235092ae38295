import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "#lib/db";
import { EngineError } from "#lib/errors";

/** A daemon that is just ending has this long to let go. */
const WAIT_MS = 500;

/** @throws `conflict` when another daemon has it */
export function lockDataRoot(dataRoot: string): Disposable {
  return lockFolder(
    dataRoot,
    `data root "${dataRoot}" is in use by another tugd: stop that one or give another --data-root`,
  );
}

/**
 * Takes a folder for this process, and makes it when it is missing. The lock is SQLite's on a file of its own, so that it ends with the
 * process however that ends, and no stale file can keep the next one out.
 *
 * @throws `conflict` with the message `taken` when another process has it
 */
export function lockFolder(folder: string, taken: string): Disposable {
  mkdirSync(folder, { recursive: true, mode: 0o710 });
  try {
    const database = openDatabase(join(folder, "lock.db"), [], { waitMs: WAIT_MS });
    database.run("BEGIN EXCLUSIVE");
    return {
      [Symbol.dispose]() {
        database.run("ROLLBACK");
        database[Symbol.dispose]();
      },
    };
  } catch (cause) {
    if (!/locked|busy/i.test(String(cause))) throw cause;
    throw new EngineError("conflict", taken, { cause });
  }
}
