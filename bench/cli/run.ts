/** How long does a person wait for a command? */
import { api, cli, type Engine, engines } from "../_lib/engines.ts";
import { median, type Row, report } from "../_lib/report.ts";

const RUNS = 20;

await using both = await engines();
const running = new Map<Engine, string>();
for (const engine of [both.tug, both.docker]) {
  const { Id } = await api<{ Id: string }>(engine, "POST", "/containers/create", {
    Image: "busybox",
    Cmd: ["sleep", "3600"],
  });
  await api(engine, "POST", `/containers/${Id}/start`);
  running.set(engine, Id);
}

async function compare(what: string, budget: string, args: (engine: Engine) => string[]): Promise<Row> {
  const tug: number[] = [];
  const docker: number[] = [];
  for (let run = 0; run < RUNS + 1; run++) {
    tug.push(await cli(both.tug, args(both.tug)));
    docker.push(await cli(both.docker, args(both.docker)));
  }
  return { what, unit: "ms", tug: median(tug.slice(1)), docker: median(docker.slice(1)), budget };
}

const rows = [
  await compare("run --rm busybox true", "≤ 1/6", () => ["run", "--rm", "busybox", "true"]),
  await compare("exec true", "≤ 1/5", (engine) => ["exec", running.get(engine) ?? "", "true"]),
  await compare("version", "≤ 1/2", () => ["version"]),
  await compare("ps", "≤ 1/1", () => ["ps"]),
];
for (const [engine, id] of running) await api(engine, "DELETE", `/containers/${id}?force=1`);
report(import.meta.dir, rows);
