/**
 * The one executable. It is called `tug` or `tugd` (two hard links) and does what that name says. The command line is at hand,
 * since people wait for its start; the daemon is loaded when it is wanted.
 */
import * as tug from "./tug.ts";

async function main(): Promise<number> {
  const program = /(^|\/)tugd$/.test(process.argv0) ? await import("./tugd.ts") : tug;
  return program.main(process.argv.slice(2));
}

main().then((code) => {
  process.exitCode = code;
});
