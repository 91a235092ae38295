/** How long does a container take through the API: create, start, wait, remove? */
import { api, type Engine, engines } from "../_lib/engines.ts";
import { median, report } from "../_lib/report.ts";

const RUNS = 30;
const AT_ONCE = 32;

async function lifecycle(engine: Engine, network: string): Promise<void> {
  const body = { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: network } };
  const { Id } = await api<{ Id: string }>(engine, "POST", "/containers/create", body);
  await api(engine, "POST", `/containers/${Id}/start`);
  await api(engine, "POST", `/containers/${Id}/wait`);
  await api(engine, "DELETE", `/containers/${Id}`);
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

/** Both engines take turns, so that whatever else the machine does meets both. */
async function alternate(both: readonly Engine[], network: string): Promise<number[]> {
  const times = both.map((): number[] => []);
  for (const engine of both) await lifecycle(engine, network);
  for (let run = 0; run < RUNS; run++) {
    for (const [index, engine] of both.entries()) times[index]?.push(await timed(() => lifecycle(engine, network)));
  }
  return times.map(median);
}

await using both = await engines();
const pair = [both.tug, both.docker];
const [tugBridge = 0, dockerBridge = 0] = await alternate(pair, "bridge");
const [tugNone = 0, dockerNone = 0] = await alternate(pair, "none");
const crowd = (engine: Engine) =>
  timed(() => Promise.all(Array.from({ length: AT_ONCE }, () => lifecycle(engine, "bridge"))));
const tugCrowd = median([await crowd(both.tug), await crowd(both.tug), await crowd(both.tug)]);
const dockerCrowd = median([await crowd(both.docker), await crowd(both.docker), await crowd(both.docker)]);
report(import.meta.dir, [
  {
    what: "create+start+wait+remove, bridge (median of 30)",
    unit: "ms",
    tug: tugBridge,
    docker: dockerBridge,
    budget: "≤ 1/10",
  },
  {
    what: "create+start+wait+remove, no network (median of 30)",
    unit: "ms",
    tug: tugNone,
    docker: dockerNone,
    budget: "≤ 1/12",
  },
  { what: "32 at once, bridge, wall time", unit: "ms", tug: tugCrowd, docker: dockerCrowd, budget: "≤ 1/8" },
]);
