import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.ts";
import { requireHost } from "./daemon.ts";
import { startOracle } from "./oracle.ts";
import { debianRegistry, dockerCli, ensureBenchPackages } from "./packages.ts";
import { BUN, fail, ROOT, run, step } from "./shell.ts";

/** Runs the measurements of bench/, all or those named. Each folder answers one question. */
export async function bench(args: string[]): Promise<void> {
  requireHost();
  await ensureBenchPackages();
  await build();
  const known = readdirSync(join(ROOT, "bench"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("_"))
    .map((entry) => entry.name);
  await using oracle = await startOracle({ wanted: true });
  const env = {
    TUG_TEST_ORACLE: oracle?.socket ?? "",
    TUG_TEST_DOCKER: await dockerCli(),
    TUG_TEST_REGISTRY: await debianRegistry(),
  };
  for (const name of args.length > 0 ? args : known) {
    if (!known.includes(name)) fail(`no measurement "${name}": there are ${known.join(", ")}`);
    await step(name, () => run([BUN, join("bench", name, "run.ts")], { env }));
  }
}
