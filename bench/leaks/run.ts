/** Does anything stay behind after 2,000 runs and 200 daemon kills? */
import { readdirSync, readFileSync } from "node:fs";
import { api, type Engine, engines, residentKiB } from "../_lib/engines.ts";
import { report } from "../_lib/report.ts";

const CYCLES = 2000;
const KILLS = 200;
const CLIENTS = 4;

await using both = await engines();
const { tug, daemon } = both;

interface Census {
  mounts: number;
  interfaces: number;
  cgroups: number;
  processes: number;
  fds: number;
  files: number;
  rows: number;
  nftElements: number;
}

async function cycle(engine: Engine): Promise<void> {
  const body = { Image: "busybox", Cmd: ["true"], HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "" }] } } };
  const { Id } = await api<{ Id: string }>(engine, "POST", "/containers/create", body);
  await api(engine, "POST", `/containers/${Id}/start`);
  await api(engine, "POST", `/containers/${Id}/wait`);
  await api(engine, "DELETE", `/containers/${Id}`);
}

/** A client whose requests may die with the daemon: only what was acknowledged counts. */
async function stubborn(engine: Engine, acknowledged: Map<string, number>, running: () => boolean): Promise<void> {
  while (running()) {
    try {
      const code = acknowledged.size % 100;
      const body = { Image: "busybox", Cmd: ["sh", "-c", `exit ${code}`] };
      const { Id } = await api<{ Id: string }>(engine, "POST", "/containers/create", body);
      await api(engine, "POST", `/containers/${Id}/start`);
      acknowledged.set(Id, code);
    } catch {
      await Bun.sleep(20);
    }
  }
}

function count(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true }).length;
  } catch {
    return 0;
  }
}

function cgroups(): number {
  return readdirSync("/sys/fs/cgroup").reduce((sum, name) => sum + directories(`/sys/fs/cgroup/${name}/tug`), 0);
}

function directories(folder: string): number {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isDirectory()).length;
  } catch {
    return 0;
  }
}

function output(argv: string[]): string {
  return Bun.spawnSync(argv).stdout.toString();
}

async function census(): Promise<Census> {
  const { Database } = await import("bun:sqlite");
  const database = new Database(`${daemon.dataRoot}/tug.db`, { readonly: true });
  const tables = database
    .query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%event%'")
    .all();
  const rows = tables.reduce(
    (sum, { name }) => sum + (database.query<{ n: number }, []>(`SELECT count(*) AS n FROM "${name}"`).get()?.n ?? 0),
    0,
  );
  database.close();
  return {
    mounts: readFileSync("/proc/mounts", "utf8").split("\n").length,
    interfaces: readdirSync("/sys/class/net").length,
    cgroups: cgroups(),
    processes: tug.processes().length,
    fds: count(`/proc/${daemon.pid}/fd`),
    files: count(daemon.dataRoot) + count(daemon.execRoot),
    rows,
    nftElements: output(["nft", "list", "ruleset"]).split("\n").length,
  };
}

for (let warm = 0; warm < 50; warm++) await cycle(tug);
const before = await census();
const memoryBefore = await residentKiB([daemon.pid]);
let left = CYCLES;
await Promise.all(
  Array.from({ length: CLIENTS }, async () => {
    while (left-- > 0) await cycle(tug);
  }),
);
const memoryAfter = await residentKiB([daemon.pid]);

const acknowledged = new Map<string, number>();
let running = true;
const clients = Array.from({ length: 2 }, () => stubborn(tug, acknowledged, () => running));
for (let kill = 0; kill < KILLS; kill++) {
  await Bun.sleep(30 + Math.random() * 100);
  await daemon.crash();
  await daemon.up();
}
running = false;
await Promise.all(clients);

let lost = 0;
for (const [id, code] of acknowledged) {
  const { StatusCode } = await api<{ StatusCode: number }>(tug, "POST", `/containers/${id}/wait`);
  if (StatusCode !== code) lost++;
}
for (const { Id } of await api<{ Id: string }[]>(tug, "GET", "/containers/json?all=1")) {
  await api(tug, "DELETE", `/containers/${Id}?force=1`);
}
await Bun.sleep(1000);
const after = await census();
const grown = (key: keyof Census) => Math.max(0, after[key] - before[key]);
report(import.meta.dir, [
  ...(Object.keys(before) as (keyof Census)[]).map((key) => ({
    what: `${key} left behind after ${CYCLES} runs and ${KILLS} kills`,
    unit: "count" as const,
    tug: grown(key),
    budget: "≤ 0",
  })),
  { what: `exit codes lost of ${acknowledged.size} acknowledged starts`, unit: "count", tug: lost, budget: "≤ 0" },
  {
    what: `growth of the daemon's memory over ${CYCLES} runs`,
    unit: "MiB",
    tug: (memoryAfter.rss - memoryBefore.rss) / 1024,
    budget: "≤ 30",
  },
]);
