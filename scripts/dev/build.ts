import { existsSync, linkSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { ensureBuildPackages } from "./packages.ts";
import { BUN, output, ROOT, run } from "./shell.ts";

/** What runs by itself: the executable, and its worker threads (`src/daemon/worker-entry.ts` knows where they lie). */
const PROGRAMS = ["cmd/main.ts", "src/daemon/worker.ts"];

/** Builds what is older than its sources: the executor, the built-in image's program, `dist/tug` and `dist/tugd`. */
export async function build(): Promise<void> {
  await ensureBuildPackages();
  mkdirSync(join(ROOT, "build"), { recursive: true });
  await run(["make", "--silent", "-C", "executor"]);
  await run(["make", "--silent", "-C", "executor/hello"]);
  if (isFresh("dist/tugd")) return;
  console.log("dev: building dist/tug and dist/tugd");
  await compile();
}

/** Which functions a command used, as the executable itself recorded it. */
const ORDER = "build/bytecode-order";

async function compile(): Promise<void> {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const target = "build/tug.new";
  // Split, so that starting the command line loads nothing of the daemon: it saves 1.5 of 4.5 ms.
  const flags = ["--compile", "--bytecode", "--minify", "--format=esm", "--splitting"];
  // Most commands end before compiled code pays; whoever lives longer goes back to the normal policy.
  flags.push("--compile-jit-policy=1000");
  // What lies in the directory where somebody calls us is not for us: a bunfig.toml there could run code as root.
  flags.push("--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig");
  const commit = output(["git", "rev-parse", "--short=12", "HEAD"]) ?? "";
  const define = `--define=process.env.TUG_COMMIT=${JSON.stringify(commit)}`;
  const bundle = (...more: string[]) =>
    run([BUN, "build", ...flags, ...more, define, ...PROGRAMS, "--outfile", target], { quiet: true });
  await bundle();
  // Once more, with what a command needs at its start in one place: it saves a tenth of a start.
  const env = { ...process.env, BUN_BYTECODE_ORDER_OUT: join(ROOT, ORDER), TUG_HOST: "unix:///nobody/listens" };
  Bun.spawnSync([join(ROOT, target), "ps"], { env, stdout: "ignore", stderr: "ignore" });
  await bundle(`--bytecode-order=${ORDER}`);
  renameSync(join(ROOT, target), join(ROOT, "dist/tug"));
  rmSync(join(ROOT, "dist/tugd"), { force: true });
  linkSync(join(ROOT, "dist/tug"), join(ROOT, "dist/tugd"));
}

function isFresh(path: string): boolean {
  if (!existsSync(join(ROOT, path))) return false;
  const built = statSync(join(ROOT, path)).mtimeMs;
  const sources = ["{cmd,src}/**/*", "build/tug-exec", "build/hello", "package-lock.json"];
  for (const pattern of sources) {
    for (const file of new Glob(pattern).scanSync({ cwd: ROOT })) {
      if (statSync(join(ROOT, file)).mtimeMs > built) return false;
    }
  }
  return true;
}
