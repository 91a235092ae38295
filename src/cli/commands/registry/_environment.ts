import type { Context } from "../../context.ts";
import { AUTH_VARIABLE } from "../../credentials/stores.ts";

/** Who logs in or out should know that another login is in force. */
export function warnOfEnvironmentAuth({ io }: Pick<Context, "io">): void {
  if (!io.env[AUTH_VARIABLE]) return;
  io.stderr.write(
    `\nWARNING: ${AUTH_VARIABLE} is set and takes precedence.\nUnset ${AUTH_VARIABLE} to restore the CLI auth behaviour.\n\n`,
  );
}
