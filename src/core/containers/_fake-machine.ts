/** A machine that is a script: tests say what its clock, its monitors and its executor do. */
import type { Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import type {
  AttachOptions,
  Executor,
  ExitRecord,
  HostPlan,
  Monitor,
  MonitorSpec,
  StartedRecord,
  StreamPart,
  TreeEntry,
} from "#executor";
import { EngineError } from "#lib/errors";
import { byteString } from "#lib/fs";
import { type Clock, formatNano } from "#lib/time";

export class FakeClock implements Clock {
  #nano = 1_800_000_000_000_000_000n;
  #timers: { at: bigint; callback: () => void }[] = [];

  nowNano(): bigint {
    return this.#nano;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#nano + BigInt(delayMs) * 1_000_000n, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Milliseconds until the next timer is due. */
  get nextMs(): number | undefined {
    const due = this.#timers.map(({ at }) => Number((at - this.#nano) / 1_000_000n));
    return due.length > 0 ? Math.min(...due) : undefined;
  }

  advance(ms: number): void {
    this.#nano += BigInt(ms) * 1_000_000n;
    const due = this.#timers.filter(({ at }) => at <= this.#nano);
    this.#timers = this.#timers.filter(({ at }) => at > this.#nano);
    for (const { callback } of due) callback();
  }
}

/** The answer of `resolve`. */
export function resolved({ mode, end }: { mode: number; end: string }): Uint8Array {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32LE(mode);
  bytes.writeUInt32LE(Buffer.byteLength(end), 24);
  return Buffer.concat([bytes, Buffer.from(`${end}\0`)]);
}

/** An entry of a tree, a regular file unless told. */
export function treeEntry(path: string, more: Partial<TreeEntry> & { readonly text?: string } = {}): TreeEntry {
  const { text = "", ...fields } = more;
  return {
    path: byteString(path),
    mode: 0o100644,
    uid: 0,
    gid: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    size: text.length,
    seconds: 1_000_000_000,
    nanoseconds: 5,
    identity: "",
    linkTo: byteString(""),
    xattrs: new Map(),
    below: "absent",
    opaque: false,
    content: (async function* () {
      if (text !== "") yield Buffer.from(text);
    })(),
    ...fields,
  };
}

export class FakeMonitor implements Monitor {
  readonly spec: MonitorSpec;
  readonly signals: number[] = [];
  /** The process's ends of the streams that were attached, and what was asked for. */
  readonly clients: Duplex[] = [];
  readonly attachments: AttachOptions[] = [];
  readonly #started = Promise.withResolvers<StartedRecord>();
  readonly #exited = Promise.withResolvers<ExitRecord>();
  readonly #clock: Clock;

  constructor(spec: MonitorSpec, clock: Clock) {
    this.spec = spec;
    this.#clock = clock;
    this.started.catch(() => undefined);
    this.exited.catch(() => undefined);
  }

  get socketPath(): string {
    return this.spec.socketPath;
  }
  get started(): Promise<StartedRecord> {
    return this.#started.promise;
  }
  get exited(): Promise<ExitRecord> {
    return this.#exited.promise;
  }

  run(pid = 4711): void {
    this.#started.resolve({ pid, startTicks: 1, startedAt: formatNano(this.#clock.nowNano()) });
  }

  fail(error: EngineError): void {
    this.#started.reject(error);
    this.exit(127);
  }

  exit(exitCode: number, more: Partial<ExitRecord> = {}): void {
    this.#exited.resolve({
      exitCode,
      signal: 0,
      oomKilled: false,
      exitedAt: formatNano(this.#clock.nowNano()),
      ...more,
    });
  }

  lose(): void {
    this.#exited.reject(new EngineError("unavailable", "the monitor is gone"));
  }

  async signal(signal: number): Promise<void> {
    this.signals.push(signal);
    if (signal === 9) this.exit(137, { signal: 9 });
  }
  readonly sizes: { width: number; height: number }[] = [];

  async resize(size: { width: number; height: number }): Promise<void> {
    this.sizes.push(size);
  }
  async reopenLog(): Promise<void> {}
  async attach(options: AttachOptions): Promise<Socket> {
    const [near, far] = duplexPair();
    this.clients.push(far);
    this.attachments.push(options);
    return near as Socket;
  }
  close(): void {
    this.#exited.reject(new EngineError("canceled", "the connection to the monitor was closed"));
  }
}

export class FakeExecutor implements Executor {
  readonly monitors: FakeMonitor[] = [];
  readonly plans: HostPlan[] = [];
  /** What walks find. */
  tree: readonly TreeEntry[] = [];
  /** What trees were sent. */
  readonly sent: StreamPart[] = [];
  /** Looks a path up in a container's files: there are directories only, and no links. */
  resolve: (path: string) => Uint8Array = (path) => resolved({ mode: 0o040755, end: path });
  /** Decides about each new monitor; by default the program runs at once. */
  onStart: (monitor: FakeMonitor) => void = (monitor) => monitor.run();
  /** Monitors of an earlier daemon, by socket. */
  readonly alive = new Map<string, FakeMonitor>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get last(): FakeMonitor {
    return this.monitors.at(-1) as FakeMonitor;
  }

  async run(plan: HostPlan): Promise<readonly Uint8Array[]> {
    this.plans.push(plan);
    return plan.map((op) => {
      if (op.op === "read") return new TextEncoder().encode("populated 1\nfrozen 1\n");
      return op.op === "resolve" ? this.resolve(Buffer.from(op.target).toString()) : new Uint8Array();
    });
  }

  async *walk(plan: HostPlan): AsyncGenerator<TreeEntry> {
    this.plans.push(plan);
    yield* this.tree;
  }

  async send(plan: HostPlan, parts: AsyncIterable<StreamPart>): Promise<void> {
    this.plans.push(plan);
    for await (const part of parts) this.sent.push(part);
  }

  async start(spec: MonitorSpec): Promise<Monitor> {
    const monitor = new FakeMonitor(spec, this.#clock);
    this.monitors.push(monitor);
    this.alive.set(spec.socketPath, monitor);
    this.onStart(monitor);
    return monitor;
  }

  async connect(socketPath: string): Promise<Monitor> {
    const monitor = this.alive.get(socketPath);
    if (!monitor) throw new EngineError("not-found", `no monitor at ${socketPath}`);
    return monitor;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
