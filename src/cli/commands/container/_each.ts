import { EngineError, isKind } from "#lib/errors";
import type { Context } from "../../context.ts";
import { describeFailure } from "../../failure.ts";

/** Requests under way at once. */
const MAX_PARALLEL = 50;

/**
 * Does the same to each of several objects and prints the name of each that worked, in the order given. Those that
 * failed are told at the end, one line each, and make the exit code 1, unless all were missing and that is tolerated.
 */
export async function forEach(
  context: Context,
  names: readonly string[],
  action: (name: string) => Promise<void>,
  options: { tolerateMissing?: boolean } = {},
): Promise<number> {
  const failures: string[] = [];
  let allMissing = true;
  const attempt = (name: string) =>
    action(name).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
  const started = names.slice(0, MAX_PARALLEL).map(attempt);
  for (const [i, name] of names.entries()) {
    const failed = await started[i];
    if (started.length < names.length) started.push(attempt(names[started.length]!));
    if (failed === undefined) context.io.stdout.write(`${name}\n`);
    else if (isKind(failed.error, "canceled")) throw failed.error;
    else {
      allMissing &&= isKind(failed.error, "not-found");
      failures.push(await describeFailure(failed.error));
    }
  }
  if (failures.length === 0) return 0;
  if (options.tolerateMissing === true && allMissing) {
    context.io.stderr.write(`${failures.join("\n")}\n`);
    return 0;
  }
  throw new EngineError("internal", [...new Set(failures)].join("\n"));
}
