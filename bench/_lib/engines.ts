/** The two engines of a measurement: a private tug daemon and a real Docker Engine, both with the same busybox image. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { TestDaemon } from "../../test/engine/_daemon.ts";
import { makeBusyboxImage } from "../../test/fixtures/busybox.ts";

export interface Engine {
  readonly name: "tug" | "docker";
  readonly socket: string;
  readonly host: string;
  /** Its own command line, as argv. */
  readonly cli: readonly string[];
  /** Pids of the daemon and its companions (not of containers). */
  processes(): number[];
  /** Where it keeps its data, as seen from here. */
  dataRoot(): string;
  /** Its network namespace: what is loopback to it. */
  namespace(): string;
}

export interface Engines extends AsyncDisposable {
  readonly tug: Engine;
  readonly docker: Engine;
  readonly daemon: TestDaemon;
}

const TUG = join(import.meta.dir, "../../dist/tug");

/** @throws when no real engine runs: a ratio needs both sides in one run */
export async function engines(): Promise<Engines> {
  const socket = process.env.TUG_TEST_ORACLE ?? "";
  if (!existsSync(socket)) {
    throw new Error(`no real Docker Engine at "${socket}": set TUG_TEST_ORACLE to its socket, or use ./dev bench`);
  }
  const daemon = await TestDaemon.start();
  const docker: Engine = {
    name: "docker",
    socket,
    host: `unix://${socket}`,
    cli: [process.env.TUG_TEST_DOCKER ?? "docker"],
    processes: () => processesNamed(["dockerd", "containerd", "containerd-shim"]),
    // It may live in a mount namespace of its own.
    dataRoot: () => `/proc/${daemonAt(socket)}/root/var/lib/docker`,
    namespace: () => `/proc/${daemonAt(socket)}/ns/net`,
  };
  const tug: Engine = {
    name: "tug",
    socket: daemon.socket,
    host: daemon.host,
    cli: [TUG],
    processes: () => processesOfTug(daemon),
    dataRoot: () => daemon.dataRoot,
    namespace: () => "/proc/self/ns/net",
  };
  await Bun.spawn([...docker.cli, "load", "-q", "-i", await makeBusyboxImage()], {
    env: { ...process.env, DOCKER_HOST: docker.host },
    stdout: "ignore",
  }).exited;
  return { tug, docker, daemon, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

/** One API request; the body of the answer is read whole. */
export async function api<T = unknown>(
  engine: Engine,
  method: string,
  path: string,
  body?: unknown,
  { keepalive = true } = {},
): Promise<T> {
  const response = await fetch(`http://engine/v1.47${path}`, {
    unix: engine.socket,
    method,
    keepalive,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${engine.name}: ${method} ${path}: ${response.status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Runs an engine's own command line; gives its wall time in milliseconds. We wait in the kernel, so that none of it is ours. */
export function cli(engine: Engine, args: readonly string[]): number {
  const start = performance.now();
  const child = Bun.spawnSync([...engine.cli, ...args], {
    env: { ...process.env, TUG_HOST: "", DOCKER_HOST: engine.host, DOCKER_CONTEXT: "" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const elapsed = performance.now() - start;
  if (child.exitCode !== 0) throw new Error(`${engine.name} ${args.join(" ")}: ${child.stderr}`);
  return elapsed;
}

/** What an engine's data takes of the disk. */
export async function diskBytes(engine: Engine): Promise<number> {
  const du = Bun.spawn(["du", "-s", "--block-size=1", "--one-file-system", engine.dataRoot()], { stderr: "ignore" });
  return Number.parseInt(await new Response(du.stdout).text(), 10);
}

/** The dockerd whose socket that is: there may be several, each in mount namespaces of its own. */
function daemonAt(socket: string): number {
  const wanted = statSync(socket);
  const found = processesNamed(["dockerd"]).find((pid) => {
    const flags = readFileSync(`/proc/${pid}/cmdline`, "latin1");
    const path = /unix:\/\/([^\0]+)/.exec(flags)?.[1] ?? "/run/docker.sock";
    const stat = statSync(join(`/proc/${pid}/root`, path), { throwIfNoEntry: false });
    return stat?.ino === wanted.ino && stat.dev === wanted.dev;
  });
  if (found === undefined) throw new Error(`no dockerd serves "${socket}"`);
  return found;
}

function processesNamed(names: readonly string[]): number[] {
  return allProcesses()
    .filter(({ name }) => names.some((wanted) => name.startsWith(wanted.slice(0, 15))))
    .map(({ pid }) => pid);
}

/** The daemon, its executor, and the monitors: everything that runs the daemon's own binaries. */
function processesOfTug(daemon: TestDaemon): number[] {
  const found = new Set([daemon.pid]);
  const all = allProcesses();
  for (const { pid, parent, name } of all) {
    if (parent === daemon.pid || (name.startsWith("tug-") && daemon.owns(pid))) found.add(pid);
  }
  return [...found];
}

function allProcesses(): { pid: number; parent: number; name: string }[] {
  const { stdout } = Bun.spawnSync(["ps", "-eo", "pid=,ppid=,comm="]);
  return stdout
    .toString()
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [pid = "", parent = "", ...name] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), name: name.join(" ") };
    });
}

/** Resident memory of processes in KiB: proportional (shared pages divided) and plain. */
export async function residentKiB(pids: readonly number[]): Promise<{ pss: number; rss: number }> {
  const texts = await Promise.all(
    pids.map((pid) =>
      Bun.file(`/proc/${pid}/smaps_rollup`)
        .text()
        .catch(() => ""),
    ),
  );
  const sum = (key: string) =>
    texts.reduce((total, text) => total + Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0), 0);
  return { pss: sum("Pss"), rss: sum("Rss") };
}
