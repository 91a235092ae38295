import { parseDetachKeys } from "#lib/stream";
import { refused } from "./errors.ts";

/** The keys that detach from a process; undefined where nobody types: without a terminal or stdin. @throws `invalid-parameter` */
export function detachKeysOf(
  text: string,
  { tty, stdin }: { tty: boolean; stdin: boolean },
): readonly number[] | undefined {
  const keys = parseDetachKeys(text);
  if (!keys) throw refused(`Invalid detach keys (${text}) provided`);
  return tty && stdin ? keys : undefined;
}
