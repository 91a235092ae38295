/** The daemon program. */
import { runDaemon } from "#daemon";
import { RELEASE } from "./_release.ts";

export function main(argv: readonly string[]): Promise<number> {
  return runDaemon(argv, RELEASE);
}
