import { EngineError } from "#lib/errors";
import { parseDetachKeys } from "#lib/stream";
import type { Context } from "../context.ts";

/**
 * The keys that leave a process running: the flag's, or the configuration's; empty for the usual ones.
 *
 * @throws EngineError `invalid-parameter` for a text that is no sequence of keys.
 */
export function chooseDetachKeys(context: Context, given: string): string {
  const keys = given || context.config().detachKeys || "";
  if (parseDetachKeys(keys) !== undefined) return keys;
  throw new EngineError(
    "invalid-parameter",
    `invalid detach keys (${keys}): use single characters or ctrl-<key>, joined by commas`,
  );
}
