/** The daemon program. */
import { runDaemon } from "#daemon";
import { RELEASE } from "./_release.ts";

export async function main(argv: readonly string[]): Promise<number> {
  Bun.unsafe.setJITPolicy(1);
  const code = await runDaemon(argv, RELEASE);
  // Everything is released by now. Bun's event loop can still wait for a connection that was destroyed while it was
  // paused (a client refused in the middle of its upload), so the end is not left to it.
  process.exit(code);
}
