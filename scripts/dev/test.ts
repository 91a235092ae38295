import { build } from "./build.ts";
import { checkSources } from "./check.ts";
import { requireHost } from "./daemon.ts";
import { startOracle } from "./oracle.ts";
import { debianRegistry, dockerCli, ensureTestPackages } from "./packages.ts";
import { BUN, run, step } from "./shell.ts";

/** A test that fails is made once more: the machine may have been busy with others. What fails twice fails. */
const RETRY = "--retry=1";

/** Everything that CI runs. `--oracle` demands the comparison with a real engine, `--vm` adds the run in a guest. */
export async function runTests(args: string[]): Promise<void> {
  requireHost();
  await ensureTestPackages();
  const env = { TUG_TEST_DOCKER: await dockerCli(), TUG_TEST_REGISTRY: await debianRegistry() };
  await checkSources();
  await step("build", build);
  await step("executor tests under sanitizers", () => run(["make", "--silent", "-C", "executor", "test"]));
  await step("unit and module tests", () => run([BUN, "test", RETRY, "src", "scripts"], { env }));
  await step("end-to-end tests", () => run([BUN, "test", RETRY, "--timeout=120000", "test/engine"], { env }));
  await using oracle = await startOracle({ wanted: args.includes("--oracle") });
  if (oracle) {
    await step("comparison with a real engine", () => compare({ ...env, TUG_TEST_ORACLE: oracle.socket }));
  } else {
    console.log("── no comparison with a real engine: none is built here (--oracle builds one)");
  }
  if (args.includes("--vm")) await step("a systemd guest with pure cgroup v2", () => run(["bash", "test/vm/run.sh"]));
}

/** The other engine has races of its own (which of two events it tells first): what differs twice differs. */
async function compare(env: Record<string, string>): Promise<void> {
  const tests = [BUN, "test", RETRY, "--timeout=120000", "test/oracle"];
  try {
    await run(tests, { env });
  } catch (error) {
    console.log(`── once more: ${error instanceof Error ? error.message : error}`);
    await run(tests, { env });
  }
}
