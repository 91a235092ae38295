/** The command line program. */
import { processIo, runCli } from "#cli";
import { RELEASE } from "./_release.ts";

export async function main(argv: readonly string[]): Promise<number> {
  const code = await runCli(argv, processIo(RELEASE));
  // At once: a read of standard input may be under way, and would keep the process until somebody types.
  process.exit(code);
}
