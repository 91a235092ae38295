/**
 * The one executable. It is called `tug` or `tugd` (two hard links) and does what that name says.
 *
 * The daemon is a bundle of its own inside of it (scripts/dev/build.ts), so that the command line, which people wait for, does not even
 * load its bytecode: a millisecond of each command.
 */
import { basename } from "node:path";

/** Looked up at run time, since the bundler would take in what a literal names. */
const DAEMON = { module: "./tugd.ts" };

async function main(): Promise<number> {
  const program: { main(argv: readonly string[]): Promise<number> } =
    basename(process.argv0) === "tugd" ? await import(DAEMON.module) : await import("./tug.ts");
  return program.main(process.argv.slice(2));
}

main().then((code) => {
  process.exitCode = code;
});
