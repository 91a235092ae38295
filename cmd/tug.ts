/** The command line program. */
import { processIo, runCli } from "#cli";
import { RELEASE } from "./_release.ts";

export function main(argv: readonly string[]): Promise<number> {
  return runCli(argv, processIo(RELEASE));
}
