/** How fast does a container's output reach its log, and come back from it? Does the daemon answer meanwhile? */
import { api, cli, type Engine, engines } from "../_lib/engines.ts";
import { median, report } from "../_lib/report.ts";

const MEGABYTES = 1000;
/** Lines of 100 bytes, ten megabytes of them again and again: the writer must not be what is measured. */
const COMMAND = `yes "$(head -c 99 /dev/zero | tr '\\0' x)" | head -c 10000000 > /dev/shm/lines
  for i in $(seq ${MEGABYTES / 10}); do cat /dev/shm/lines; done`;

await using both = await engines();

async function write(engine: Engine): Promise<{ id: string; rate: number; ping: number }> {
  const { Id } = await api<{ Id: string }>(engine, "POST", "/containers/create", {
    Image: "busybox",
    Cmd: ["sh", "-c", COMMAND],
    HostConfig: { NetworkMode: "none", LogConfig: { Type: "json-file", Config: {} } },
  });
  const start = performance.now();
  await api(engine, "POST", `/containers/${Id}/start`);
  let writing = true;
  const ended = api(engine, "POST", `/containers/${Id}/wait`).then(() => {
    writing = false;
  });
  const pings: number[] = [];
  while (writing) {
    const before = performance.now();
    await api(engine, "GET", "/containers/json");
    pings.push(performance.now() - before);
    await Promise.race([ended, Bun.sleep(50)]);
  }
  await ended;
  return { id: Id, rate: MEGABYTES / ((performance.now() - start) / 1000), ping: median(pings) };
}

/** Both command lines read, each its own engine: what a user sees. And one plain client, the same for both. */
async function read(engine: Engine, id: string): Promise<number> {
  const start = performance.now();
  const response = await fetch(`http://engine/v1.47/containers/${id}/logs?stdout=1&stderr=1`, { unix: engine.socket });
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += chunk.length;
  if (bytes < MEGABYTES * 1e6) throw new Error(`${engine.name}: ${bytes} bytes came back`);
  return MEGABYTES / ((performance.now() - start) / 1000);
}

const results = new Map<Engine, { rate: number; back: number; ping: number; tailMs: number }>();
for (const engine of [both.tug, both.docker]) {
  const { id, rate, ping } = await write(engine);
  const back = await read(engine, id);
  const tails: number[] = [];
  for (let run = 0; run < 10; run++) tails.push(cli(engine, ["logs", "--tail", "10", id]));
  const tailMs = median(tails);
  await api(engine, "DELETE", `/containers/${id}`);
  results.set(engine, { rate, back, ping, tailMs });
}
const tug = results.get(both.tug);
const docker = results.get(both.docker);
if (!tug || !docker) throw new Error("both engines must have run");
report(import.meta.dir, [
  { what: "1 GB of stdout into the log", unit: "MB/s", tug: tug.rate, docker: docker.rate, budget: "≥ 5×" },
  { what: "1 GB of log read back through the API", unit: "MB/s", tug: tug.back, docker: docker.back, budget: "≥ 5×" },
  { what: "GET /containers/json while it is written", unit: "ms", tug: tug.ping, docker: docker.ping, budget: "≤ 20" },
  { what: "logs --tail 10 of it", unit: "ms", tug: tug.tailMs, docker: docker.tailMs, budget: "≤ 1/1" },
]);
