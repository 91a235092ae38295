/** What do a thousand exited and two hundred running containers cost? */
import { api, cli, type Engine, engines } from "../_lib/engines.ts";
import { median, report } from "../_lib/report.ts";

const EXITED = 1000;
const RUNNING = 200;
const CLIENTS = 8;

await using both = await engines();

async function fill(engine: Engine): Promise<string[]> {
  const jobs = [
    ...Array.from({ length: EXITED }, () => ["true"]),
    ...Array.from({ length: RUNNING }, () => ["sleep", "36000"]),
  ];
  const ids: string[] = [];
  const worker = async () => {
    for (let command = jobs.pop(); command; command = jobs.pop()) {
      const body = { Image: "busybox", Cmd: command, HostConfig: { NetworkMode: "none" } };
      const { Id } = await api<{ Id: string }>(engine, "POST", "/containers/create", body);
      await api(engine, "POST", `/containers/${Id}/start`);
      ids.push(Id);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, worker));
  return ids;
}

async function empty(engine: Engine, ids: string[]): Promise<void> {
  const worker = async () => {
    for (let id = ids.pop(); id; id = ids.pop()) await api(engine, "DELETE", `/containers/${id}?force=1`);
  };
  await Promise.all(Array.from({ length: CLIENTS }, worker));
}

async function psAll(engine: Engine): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 10; run++) times.push(cli(engine, ["ps", "-a"]));
  return median(times);
}

const tugIDs = await fill(both.tug);
const tugPs = await psAll(both.tug);
await both.daemon.down();
const before = performance.now();
await both.daemon.up();
const restart = performance.now() - before;
await empty(both.tug, tugIDs);

const dockerIDs = await fill(both.docker);
const dockerPs = await psAll(both.docker);
await empty(both.docker, dockerIDs);

report(import.meta.dir, [
  { what: "ps -a over 1,000 exited and 200 running", unit: "ms", tug: tugPs, docker: dockerPs, budget: "≤ 1/2" },
  { what: "daemon start with them", unit: "ms", tug: restart, budget: "≤ 1000" },
]);
