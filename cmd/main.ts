/**
 * The one executable. It is called `tug` or `tugd` (two hard links) and does what that name says. Either program is
 * loaded when it is wanted, so that the command line never loads the daemon.
 */
async function main(): Promise<number> {
  const program = /(^|\/)tugd$/.test(process.argv0) ? await import("./tugd.ts") : await import("./tug.ts");
  return program.main(process.argv.slice(2));
}

main().then((code) => {
  process.exitCode = code;
});
