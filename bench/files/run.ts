/** How long do the files of a container take: telling what changed, copying them in and out, exporting, committing? */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../test/fixtures/random.ts";
import { api, cli, type Engine, engines } from "../_lib/engines.ts";
import { median, type Row, report } from "../_lib/report.ts";

const CHANGED = { directories: 50, files: 1000 };
/** About 1 GB. */
const TREE = { directories: 100, files: 100, bytes: 105_000 };
const RUNS = 5;

await using both = await engines();
const folder = mkdtempSync("/var/tmp/tug-bench-files-");
using _ = { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
makeTree(join(folder, "tree"));

const box = "tug-bench-files";
const containers = new Map<Engine, string>();
for (const engine of [both.tug, both.docker]) {
  await api(engine, "DELETE", `/containers/${box}?force=1`).catch(() => undefined);
  const script = `mkdir /n; for i in $(seq ${CHANGED.directories}); do mkdir /n/$i; for j in $(seq ${CHANGED.files}); do : > /n/$i/$j; done; done; touch /ready; sleep 36000`;
  await api(engine, "POST", `/containers/create?name=${box}`, { Image: "busybox", Cmd: ["sh", "-c", script] });
  await api(engine, "POST", `/containers/${box}/start`);
  while (!(await isThere(engine, "/ready"))) await Bun.sleep(200);
  containers.set(engine, box);
}

async function isThere(engine: Engine, path: string): Promise<boolean> {
  const target = `http://engine/containers/${box}/archive?path=${path}`;
  return (await fetch(target, { unix: engine.socket, method: "HEAD" })).ok;
}

async function compare(what: string, budget: string, time: (engine: Engine) => Promise<number>): Promise<Row> {
  const tug: number[] = [];
  const docker: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    tug.push(await time(both.tug));
    docker.push(await time(both.docker));
  }
  // The first is for warming up.
  return { what, unit: "ms", tug: median(tug.slice(1)), docker: median(docker.slice(1)), budget };
}

/** One request, its answer read and dropped. */
async function request(engine: Engine, method: string, path: string): Promise<number> {
  const start = performance.now();
  const response = await fetch(`http://engine${path}`, { unix: engine.socket, method });
  for await (const _ of response.body ?? []);
  if (!response.ok) throw new Error(`${engine.name}: ${method} ${path}: ${response.status}`);
  return performance.now() - start;
}

/** The same command line for both, so that only the engines differ; or each its own. */
const sameClient = (engine: Engine): Engine => ({ ...engine, cli: both.docker.cli });

async function copyIn(engine: Engine): Promise<number> {
  const elapsed = cli(engine, ["cp", join(folder, "tree"), `${box}:/tree`]);
  cli(engine, ["exec", box, "mv", "/tree", "/old"]);
  cli(engine, ["exec", box, "rm", "-r", "/old"]);
  return elapsed;
}

async function copyOut(engine: Engine): Promise<number> {
  const target = join(folder, "out");
  const elapsed = cli(engine, ["cp", `${box}:/kept`, target]);
  rmSync(target, { recursive: true });
  return elapsed;
}

async function commit(engine: Engine): Promise<number> {
  const start = performance.now();
  const { Id } = await api<{ Id: string }>(engine, "POST", `/commit?container=${box}`);
  const elapsed = performance.now() - start;
  await api(engine, "DELETE", `/images/${Id}?force=1`);
  return elapsed;
}

const rows: Row[] = [];
rows.push(
  await compare("diff of 50,000 changed files", "≤ 1/3", (engine) =>
    request(engine, "GET", `/containers/${box}/changes`),
  ),
);
for (const engine of [both.tug, both.docker]) cli(engine, ["cp", join(folder, "tree"), `${box}:/kept`]);
rows.push(await compare("cp of 1 GB in, by docker's command line", "≤ 1/1", (engine) => copyIn(sameClient(engine))));
rows.push(await compare("cp of 1 GB out, by docker's command line", "≤ 1/1", (engine) => copyOut(sameClient(engine))));
rows.push(await compare("cp of 1 GB in, each by its own", "≤ 1/1", copyIn));
rows.push(await compare("cp of 1 GB out, each by its own", "≤ 1/1", copyOut));
rows.push(
  await compare("archive of 1 GB, read and dropped", "≤ 1/1", (engine) =>
    request(engine, "GET", `/containers/${box}/archive?path=/kept`),
  ),
);
rows.push(await compare("export", "≤ 1/1", (engine) => request(engine, "GET", `/containers/${box}/export`)));
rows.push(await compare("commit of 1 GB and 50,000 files", "≤ 1/1", commit));
for (const engine of [both.tug, both.docker]) await api(engine, "DELETE", `/containers/${box}?force=1`);
report(import.meta.dir, rows);

function makeTree(path: string): void {
  const random = seededRandom(8);
  const noise = Buffer.from(Array.from({ length: TREE.bytes * 2 }, () => Math.floor(random() * 256)));
  for (let directory = 0; directory < TREE.directories; directory++) {
    mkdirSync(join(path, `d${directory}`), { recursive: true });
    for (let file = 0; file < TREE.files; file++) {
      const at = Math.floor(random() * TREE.bytes);
      writeFileSync(join(path, `d${directory}/f${file}`), noise.subarray(at, at + TREE.bytes));
    }
  }
}
