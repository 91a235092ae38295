/**
 * The one executable. It is called `tug` or `tugd` (two hard links) and does what that name says. Both sides are
 * imported when they are needed, so that the command line never loads the daemon.
 */
import { basename } from "node:path";
import { version } from "../package.json";

async function main(): Promise<number> {
  const argv = process.argv.slice(2);
  if (basename(process.argv0) === "tugd") {
    const { runDaemon } = await import("#daemon");
    return runDaemon(argv);
  }
  const { processIo, runCli } = await import("#cli");
  return runCli(argv, processIo({ version, commit: process.env.TUG_COMMIT ?? "" }));
}

main().then((code) => {
  // A read of standard input that is under way must not keep the process.
  process.exit(code);
});
