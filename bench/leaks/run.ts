/** Does anything stay behind after 2,000 runs and 200 daemon kills? */
import { readdirSync, readFileSync } from "node:fs";
import { type Engine, engines, api as request, residentKiB } from "../_lib/engines.ts";
import { report } from "../_lib/report.ts";

const CYCLES = 2000;
const KILLS = 200;
/** Until the runtime has compiled what is used often. */
const WARM_CYCLES = 500;
const CLIENTS = 4;

await using both = await engines();
const { tug, daemon } = both;

/** IDs of all containers: other daemons may use the same parent cgroup meanwhile. */
const made = new Set<string>();

/** A connection each: what stays open is not the client's. */
function api<T = unknown>(engine: Engine, method: string, path: string, body?: unknown): Promise<T> {
  return request<T>(engine, method, path, body, { keepalive: false });
}

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
  made.add(Id);
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
      made.add(Id);
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

/** On v1 each hierarchy has the parent, on v2 the root itself. */
function cgroups(): number {
  const parents = ["/sys/fs/cgroup", ...list("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)];
  return parents.reduce((sum, parent) => sum + list(`${parent}/tug`).filter((name) => made.has(name)).length, 0);
}

/** What the daemon's executor has mounted, and what of the daemon's the host sees. */
function mounts(): number {
  const tables = ["self", ...tug.processes()].map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/mounts`, "utf8");
    } catch {
      return "";
    }
  });
  return tables.flatMap((table) => table.split("\n")).filter((line) => line.includes(daemon.name)).length;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
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
    mounts: mounts(),
    interfaces: list(`/sys/class/net/${daemon.name}/brif`).length,
    cgroups: cgroups(),
    processes: tug.processes().length,
    fds: count(`/proc/${daemon.pid}/fd`),
    files: count(daemon.dataRoot) + count(daemon.execRoot),
    rows,
    nftElements: output(["nft", "list", "table", "inet", `tug-${daemon.name}`]).split(/[\n,]/).length,
  };
}

async function cycles(left: number): Promise<void> {
  const client = async () => {
    while (left-- > 0) await cycle(tug);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** A while after the last request, when the daemon has collected its garbage. */
async function memoryKiB(): Promise<number> {
  await Bun.sleep(9000);
  return (await residentKiB([daemon.pid])).rss;
}

await cycles(WARM_CYCLES);
const memoryBefore = await memoryKiB();
const before = await census();
await cycles(CYCLES);
const memoryAfter = await memoryKiB();

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
// What was removed is deleted a moment later.
await Bun.sleep(2000);
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
    tug: Math.max(0, memoryAfter - memoryBefore) / 1024,
    budget: "≤ 8",
  },
]);
