/** The command line program. */
import { processIo, runCli } from "#cli";
import { RELEASE } from "./_release.ts";

/** A command that is still at work then moves data or waits for people: its code is worth compiling. */
const SHORT_COMMAND_MS = 25;

export async function main(argv: readonly string[]): Promise<number> {
  setTimeout(() => Bun.unsafe.setJITPolicy(1), SHORT_COMMAND_MS);
  const io = processIo(RELEASE, async () => (await import("#daemon")).loadRegistryProgram(RELEASE));
  const code = await runCli(argv, io);
  await io.flush();
  // At once: a read of standard input may be under way, and would keep the process until somebody types.
  process.exit(code);
}
