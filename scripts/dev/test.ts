import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.ts";
import { checkSources } from "./check.ts";
import { requireHost } from "./daemon.ts";
import { dockerCli, ensureTestPackages } from "./packages.ts";
import { BUN, ROOT, run, step } from "./shell.ts";

/** Everything that CI runs. `--oracle` demands the comparison with a real engine, `--vm` adds the run in a guest. */
export async function runTests(args: string[]): Promise<void> {
  requireHost();
  await ensureTestPackages();
  const docker = await dockerCli();
  await checkSources();
  await step("build", build);
  await step("executor tests under sanitizers", () => run(["make", "--silent", "-C", "executor", "test"]));
  await step("unit and module tests", () => run([BUN, "test", "src", "scripts"]));
  const env = { TUG_TEST_DOCKER: docker };
  await step("end-to-end tests", () => run([BUN, "test", "--timeout=120000", "test/engine"], { env }));
  const oracle = oracleSocket();
  if (oracle || args.includes("--oracle")) {
    const socket = oracle ?? (await startOracle());
    await step("comparison with a real engine", () =>
      run([BUN, "test", "--timeout=120000", "test/oracle"], { env: { ...env, TUG_TEST_ORACLE: socket } }),
    );
  }
  if (args.includes("--vm")) await step("a systemd guest with pure cgroup v2", () => run(["bash", "test/vm/run.sh"]));
}

/** The socket of a real Docker Engine, if the peer tool has one running. */
function oracleSocket(): string | undefined {
  const socket = process.env.TUG_TEST_ORACLE ?? join(process.env.PEER_TREE ?? "/opt/peer", "run/docker.sock");
  return existsSync(socket) ? socket : undefined;
}

async function startOracle(): Promise<string> {
  const peer = join(ROOT, "../shared/tools/peer");
  if (!existsSync(peer)) throw new Error("--oracle needs a real Docker Engine: set TUG_TEST_ORACLE to its socket");
  await run(["bash", peer, "build"]);
  await run(["bash", peer, "up"]);
  return join(process.env.PEER_TREE ?? "/opt/peer", "run/docker.sock");
}
