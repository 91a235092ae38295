/**
 * The one executable. It is called `tug` or `tugd` (two hard links) and does what that name says. Either program is
 * loaded when it is wanted, so that the command line never loads the daemon.
 */
import { basename } from "node:path";

async function main(): Promise<number> {
  const program = basename(process.argv0) === "tugd" ? await import("./tugd.ts") : await import("./tug.ts");
  return program.main(process.argv.slice(2));
}

main().then((code) => {
  process.exitCode = code;
});
