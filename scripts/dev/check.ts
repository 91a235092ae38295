import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureBuildPackages } from "./packages.ts";
import { BUN, ROOT, run, step } from "./shell.ts";

/** The quick gate. With `--fix` it formats and mends what it can first. */
export async function check(args: string[]): Promise<void> {
  await ensureBuildPackages();
  await checkSources(args.includes("--fix"));
  await step("unit tests", () => run([BUN, "test", "src", "scripts"]));
}

/** All that can be said of the sources without running them. */
export async function checkSources(fix = false): Promise<void> {
  const bin = (name: string) => join(ROOT, "node_modules/.bin", name);
  await step("format and lint", () =>
    run([bin("biome"), "check", "--error-on-warnings", ...(fix ? ["--write"] : []), "."], { quiet: !fix }),
  );
  await step("types", () => run([bin("tsc"), "-p", "."]));
  await step("dead files and exports", () => run([bin("knip")], { quiet: true }));
  await step("generated files", async () => {
    await run([BUN, "scripts/generate-api.ts", "--check"]);
    await run([BUN, "scripts/lockfile.mjs", "--check"]);
  });
  if (!existsSync(join(ROOT, "build/tug-exec"))) await run(["make", "--silent", "-C", "executor"]);
}
