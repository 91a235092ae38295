/** Real processes for the tests of this folder: a root filesystem of busybox and the probe, and plans around them. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError } from "#lib/errors";
import { createLogger } from "#lib/log";
import type { AttachOptions, ExitRecord, Monitor, MonitorSpec } from "./executor.ts";
import type { ChildOp, CloneSpec, NamespaceKind, ProcessPlan } from "./ops.ts";
import { ProcessExecutor } from "./process-executor.ts";

const BUILD = join(import.meta.dir, "../../build");
const APPLETS = [
  "sh",
  "cat",
  "echo",
  "true",
  "ls",
  "sleep",
  "kill",
  "head",
  "id",
  "stty",
  "mount",
  "yes",
  "dd",
  "seq",
  "printf",
];

export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REC: 1 << 14,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
} as const;
export const NAMESPACES: readonly NamespaceKind[] = ["mount", "pid", "ipc", "uts", "network"];

export interface LabProcess {
  readonly argv: readonly string[];
  readonly env?: readonly string[];
  readonly clone?: Partial<CloneSpec>;
  /** Between the mounts and the pivot. */
  readonly furnish?: readonly ChildOp[];
  /** After the pivot. */
  readonly become?: readonly ChildOp[];
  readonly init?: boolean;
  readonly plan?: Partial<ProcessPlan>;
  readonly stdio?: Partial<MonitorSpec["stdio"]>;
  readonly spec?: Partial<Omit<MonitorSpec, "plan" | "stdio">>;
}

/** What a process left: its record and what an attached client read. */
export interface Ended extends ExitRecord {
  readonly stdout: string;
  readonly stderr: string;
}

export class Lab implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "tug-executor-"));
  readonly executor = new ProcessExecutor({
    binaryPath: join(BUILD, "tug-exec"),
    socketsDir: join(this.folder, "sockets"),
    log: silent(),
  });
  /** The only lower layer of all root filesystems. */
  readonly lower = join(this.folder, "lower");
  #count = 0;

  /** Builds what is older than its sources. */
  static build(): void {
    const make = Bun.spawnSync(["make", "-s", "-C", join(import.meta.dir, "../../executor"), "all", "probe"]);
    if (!make.success) throw new Error(make.stderr.toString());
  }

  constructor() {
    for (const name of ["bin", "proc", "sys", "dev", "tmp", "etc"])
      mkdirSync(join(this.lower, name), { recursive: true });
    copyFileSync("/bin/busybox", join(this.lower, "bin/busybox"));
    copyFileSync(join(BUILD, "tug-probe"), join(this.lower, "bin/probe"));
    for (const applet of APPLETS) symlinkSync("busybox", join(this.lower, "bin", applet));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** An overlay of its own for one container: fresh upper and work directories. */
  overlay(lower: readonly string[] = [this.lower]): ChildOp[] {
    const base = this.path(`root-${++this.#count}`);
    for (const name of ["upper", "work", "root"]) mkdirSync(join(base, name), { recursive: true });
    return [
      {
        op: "mount-overlay",
        path: join(base, "root"),
        lower,
        upper: join(base, "upper"),
        work: join(base, "work"),
        options: [],
      },
      { op: "root", path: join(base, "root") },
    ];
  }

  spec(process: LabProcess): MonitorSpec {
    const name = `p${++this.#count}`;
    const inside: ChildOp[] = [
      { op: "propagation", path: "/", flags: MS.REC | MS.SLAVE },
      ...this.overlay(),
      ...STANDARD_MOUNTS,
      ...(process.furnish ?? []),
      { op: "pivot", propagation: 0, readonly: false },
      ...(process.become ?? []),
      exec(process),
    ];
    const clone = {
      create: NAMESPACES,
      join: [],
      uidMap: [],
      gidMap: [],
      cgroup: "",
      cgroupTasks: [],
      ...process.clone,
    };
    return {
      name,
      plan: { before: [], beside: [], after: [], inside, clone, ...process.plan },
      socketPath: this.path(`${name}.sock`),
      exitPath: this.path(`${name}.exit`),
      stdio: { tty: false, stdin: false, stdinOnce: false, width: 0, height: 0, ...process.stdio },
      awaitAttach: 0,
      oomPath: "",
      spoolDir: this.folder,
      ...process.spec,
    };
  }

  /** Runs a process to its end, attached from before its first instruction. */
  async run(process: LabProcess, input = ""): Promise<Ended> {
    const spec = this.spec({ ...process, spec: { awaitAttach: 1, ...process.spec } });
    const monitor = await this.executor.start(spec);
    // A start that failed may be over before anybody could attach.
    const socket = await monitor.attach(EVERYTHING).catch(() => undefined);
    const client = socket && new Client(socket, spec.stdio.tty);
    client?.socket.end(input);
    const record = await monitor.exited;
    await client?.ended;
    monitor.close();
    return { ...record, stdout: client?.text(1) ?? "", stderr: client?.text(2) ?? "" };
  }

  /** Starts a process that goes on until it is told to end; it is killed with the lab. */
  async start(process: LabProcess): Promise<{ monitor: Monitor; spec: MonitorSpec }> {
    const spec = this.spec(process);
    const monitor = await this.executor.start(spec);
    this.#monitors.push(monitor);
    return { monitor, spec };
  }

  readonly #monitors: Monitor[] = [];

  async [Symbol.asyncDispose](): Promise<void> {
    for (const monitor of this.#monitors) {
      await monitor.signal(9).catch(() => {});
      await monitor.exited.catch(() => {});
      monitor.close();
    }
    await this.executor[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The EngineError with which the work fails. */
export async function failure(work: Promise<unknown>): Promise<EngineError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof EngineError)) throw new Error(`no EngineError: ${error}`);
  return error;
}

export const shell = (script: string) => ["sh", "-c", script];

export const EVERYTHING: AttachOptions = { stdin: true, stdout: true, stderr: true };

export function exec({ argv, env = ["PATH=/bin"], init = false }: Pick<LabProcess, "argv" | "env" | "init">): ChildOp {
  return { op: "exec", argv, env, init };
}

export function mount(target: string, type: string, options: Partial<Extract<ChildOp, { op: "mount" }>> = {}): ChildOp {
  return { op: "mount", target, type, source: type, flags: 0, options: [], copyUp: false, ...options };
}

export function bind(source: string, target: string, options: Partial<Extract<ChildOp, { op: "bind" }>> = {}): ChildOp {
  const attributes = {
    recursive: true,
    set: 0,
    clear: 0,
    recursiveAttributes: false,
    propagation: MS.PRIVATE | MS.REC,
  };
  return {
    op: "bind",
    source,
    target,
    create: "directory",
    uidMap: [],
    gidMap: [],
    copyUp: false,
    ...attributes,
    ...options,
  };
}

const device = (name: string, minor: number): ChildOp => ({
  op: "device",
  target: `/dev/${name}`,
  type: "c",
  major: 1,
  minor,
  mode: 0o666,
  uid: 0,
  gid: 0,
  hostPath: `/dev/${name}`,
});

export const STANDARD_MOUNTS: readonly ChildOp[] = [
  mount("/proc", "proc", { flags: MS.NOSUID | MS.NODEV | MS.NOEXEC }),
  mount("/dev", "tmpfs", { flags: MS.NOSUID, options: ["mode=755"] }),
  mount("/dev/pts", "devpts", { flags: MS.NOSUID | MS.NOEXEC, options: ["newinstance", "ptmxmode=0666", "mode=0620"] }),
  device("null", 3),
  device("zero", 5),
];

/** A client of a process: takes Docker's frames apart, or keeps a terminal's bytes as stream 1. */
export class Client {
  readonly socket: Socket;
  readonly ended: Promise<void>;
  readonly #tty: boolean;
  readonly #streams = new Map<number, Buffer[]>();
  readonly #waiting: { text: string; resolve: () => void }[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, tty = false) {
    this.socket = socket;
    this.#tty = tty;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  }

  text(stream: number): string {
    return Buffer.concat(this.#streams.get(stream) ?? []).toString();
  }

  get byteLength(): number {
    return (this.#streams.get(1) ?? []).reduce((size, chunk) => size + chunk.length, 0);
  }

  /** Resolves when stdout contains the text. */
  async saw(text: string): Promise<void> {
    if (this.text(1).includes(text)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ text, resolve });
    await promise;
  }

  #take(chunk: Buffer): void {
    if (this.#tty) this.#keep(1, chunk);
    else this.#unframe(chunk);
    for (const { text, resolve } of this.#waiting) if (this.text(1).includes(text)) resolve();
  }

  #unframe(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
      const end = 8 + rest.readUInt32BE(4);
      this.#keep(rest[0]!, rest.subarray(8, end));
      rest = rest.subarray(end);
    }
    this.#rest = rest;
  }

  #keep(stream: number, data: Buffer): void {
    const chunks = this.#streams.get(stream);
    if (chunks) chunks.push(data);
    else this.#streams.set(stream, [data]);
  }
}

function silent() {
  return createLogger({ level: "fatal", format: "text", now: () => new Date(), write: () => {} });
}
