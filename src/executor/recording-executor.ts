import { EngineError } from "#lib/errors";
import type { Executor, Monitor, MonitorSpec } from "./executor.ts";
import type { HostPlan } from "./ops.ts";

/**
 * The executor of unit tests: it remembers what it was asked and does nothing. Host plans answer with empty results, or
 * with what `answer` makes of them; monitors are the ones that `monitor` makes.
 */
export class RecordingExecutor implements Executor {
  readonly plans: HostPlan[] = [];
  readonly specs: MonitorSpec[] = [];
  readonly #answer: (plan: HostPlan) => readonly Uint8Array[];
  readonly #monitor: (spec: MonitorSpec) => Monitor;
  readonly #monitors = new Map<string, Monitor>();

  constructor(
    options: { answer?: (plan: HostPlan) => readonly Uint8Array[]; monitor?: (spec: MonitorSpec) => Monitor } = {},
  ) {
    this.#answer = options.answer ?? ((plan) => plan.map(() => new Uint8Array(0)));
    this.#monitor = options.monitor ?? neverStarts;
  }

  async run(plan: HostPlan): Promise<readonly Uint8Array[]> {
    this.plans.push(plan);
    return this.#answer(plan);
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
