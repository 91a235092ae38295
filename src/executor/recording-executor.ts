import { EngineError } from "#lib/errors";
import type { Executor, Monitor, MonitorSpec, StreamPart } from "./executor.ts";
import type { HostPlan } from "./ops.ts";
import type { TreeEntry } from "./tree.ts";

/**
 * The executor of unit tests: it remembers what it was asked and does nothing. Host plans answer with empty results, or
 * with what `answer` makes of them; walks find `tree`; monitors are the ones that `monitor` makes.
 */
export class RecordingExecutor implements Executor {
  readonly plans: HostPlan[] = [];
  readonly specs: MonitorSpec[] = [];
  /** What was sent. */
  readonly sent: StreamPart[] = [];
  readonly #tree: readonly TreeEntry[];
  readonly #answer: (plan: HostPlan) => readonly Uint8Array[];
  readonly #monitor: (spec: MonitorSpec) => Monitor;
  readonly #monitors = new Map<string, Monitor>();

  constructor(
    options: {
      answer?: (plan: HostPlan) => readonly Uint8Array[];
      tree?: readonly TreeEntry[];
      monitor?: (spec: MonitorSpec) => Monitor;
    } = {},
  ) {
    this.#tree = options.tree ?? [];
    this.#answer = options.answer ?? ((plan) => plan.map(() => new Uint8Array(0)));
    this.#monitor = options.monitor ?? neverStarts;
  }

  async run(plan: HostPlan): Promise<readonly Uint8Array[]> {
    this.plans.push(plan);
    return this.#answer(plan);
  }

  async *walk(plan: HostPlan): AsyncGenerator<TreeEntry> {
    this.plans.push(plan);
    yield* this.#tree;
  }

  async send(plan: HostPlan, parts: AsyncIterable<StreamPart>): Promise<void> {
    this.plans.push(plan);
    for await (const part of parts) this.sent.push(part);
  }

  async start(spec: MonitorSpec): Promise<Monitor> {
    this.specs.push(spec);
    const monitor = this.#monitor(spec);
    this.#monitors.set(spec.socketPath, monitor);
    return monitor;
  }

  async connect(socketPath: string): Promise<Monitor> {
    const monitor = this.#monitors.get(socketPath);
    if (monitor === undefined) throw new EngineError("not-found", `no monitor at ${JSON.stringify(socketPath)}`);
    return monitor;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function neverStarts(spec: MonitorSpec): never {
  throw new EngineError("unavailable", `this executor starts no monitor for ${JSON.stringify(spec.name)}`);
}
