import type { containers } from "#client";
import { EngineError } from "#lib/errors";
import type { Invocation } from "../../command.ts";
import { int, string } from "../../flags/flag.ts";

export const stopFlags = {
  signal: string({ short: "s", help: "Signal to send to the container" }),
  time: int({ deprecated: "use --timeout instead", help: "Seconds to wait before killing the container" }),
  timeout: int({ short: "t", help: "Seconds to wait before killing the container" }),
};

/** @throws EngineError `invalid-parameter` if both the old and the new name of the timeout were given. */
export function checkStopFlags({ flags, given }: Invocation<typeof stopFlags>): containers.StopOptions {
  if (given("time") && given("timeout")) {
    throw new EngineError("invalid-parameter", "conflicting options: cannot specify both --timeout and --time");
  }
  const timeout = given("timeout") ? flags.timeout : given("time") ? flags.time : undefined;
  return { signal: flags.signal, ...(timeout === undefined ? {} : { timeoutSeconds: timeout }) };
}
