/** How long does a person wait for a command? */
import { api, cli, type Engine, engines } from "../_lib/engines.ts";
import { median, type Row, report } from "../_lib/report.ts";

const RUNS = 30;
/** Not counted: caches fill and our daemon's code is compiled while it runs. */
const WARM_UP = 10;

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

function compare(what: string, budget: string, args: (engine: Engine) => string[]): Row {
  const tug: number[] = [];
  const docker: number[] = [];
  for (let run = 0; run < WARM_UP + RUNS; run++) {
    tug.push(cli(both.tug, args(both.tug)));
    docker.push(cli(both.docker, args(both.docker)));
  }
  return { what, unit: "ms", tug: median(tug.slice(WARM_UP)), docker: median(docker.slice(WARM_UP)), budget };
}

const rows = [
  compare("run --rm busybox true", "≤ 1/6", () => ["run", "--rm", "busybox", "true"]),
  compare("exec true", "≤ 1/5", (engine) => ["exec", running.get(engine) ?? "", "true"]),
  compare("version", "≤ 1/2", () => ["version"]),
  compare("ps", "≤ 1/1", () => ["ps"]),
];
for (const [engine, id] of running) await api(engine, "DELETE", `/containers/${id}?force=1`);
report(import.meta.dir, rows);
