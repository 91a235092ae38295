/** `./dev`: everything a person does with this checkout. Each command is a file in scripts/dev/. */
import { bench } from "./dev/bench.ts";
import { build } from "./dev/build.ts";
import { check } from "./dev/check.ts";
import { clean, daemon } from "./dev/daemon.ts";
import { demo } from "./dev/demo.ts";
import { Failure, fail } from "./dev/shell.ts";
import { runTests } from "./dev/test.ts";

const COMMANDS: Record<string, { help: string; run: (args: string[]) => Promise<void> }> = {
  demo: { help: "build, start a private daemon and run two containers", run: demo },
  test: {
    help: "everything that CI runs [--oracle: against a real Docker Engine too] [--vm: in a systemd guest too]",
    run: runTests,
  },
  check: {
    help: "the quick gate: format, lint, types, imports, dead code, unit tests [--fix: mend what can be mended]",
    run: check,
  },
  build: { help: "dist/tug and dist/tugd", run: build },
  daemon: { help: "run a private daemon in the foreground [tugd flags]", run: daemon },
  clean: { help: "end the private daemon and remove all that it has made", run: clean },
  bench: { help: "measure beside a real Docker Engine [names of folders in bench/]", run: bench },
};

async function main(): Promise<void> {
  const [name = "help", ...args] = process.argv.slice(2);
  const command = COMMANDS[name];
  if (command) return command.run(args);
  const lines = Object.entries(COMMANDS).map(([key, { help }]) => `  ./dev ${key.padEnd(8)} ${help}`);
  console.log(`tug, the container engine. What can be done here:\n\n${lines.join("\n")}`);
  if (!["help", "-h", "--help"].includes(name)) fail(`unknown command "${name}"`);
}

main().catch((error) => {
  console.error(error instanceof Failure ? `dev: ${error.message}` : error);
  process.exit(1);
});
