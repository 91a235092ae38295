import type { Logger } from "#lib/log";
import { connectMonitor } from "./_monitor-connection.ts";
import { REQUEST, ServeClient } from "./_serve-client.ts";
import { encodePlan, encodeSpec } from "./encode.ts";
import type { Executor, Monitor, MonitorSpec } from "./executor.ts";
import type { HostPlan } from "./ops.ts";
import type { Reader } from "./reader.ts";

export interface ProcessExecutorOptions {
  /** The static `tug-exec`. */
  readonly binaryPath: string;
  readonly log: Logger;
}

/** The executor that drives `tug-exec`. `serve` is started by the first request and again after it died. */
export class ProcessExecutor implements Executor {
  readonly #options: ProcessExecutorOptions;
  #serve: ServeClient | undefined;

  constructor(options: ProcessExecutorOptions) {
    this.#options = options;
  }

  async run(plan: HostPlan): Promise<readonly Uint8Array[]> {
    const answer = await this.#request(REQUEST.run, encodePlan(plan));
    return plan.map(() => answer.bytes());
  }

  async start(spec: MonitorSpec): Promise<Monitor> {
    await this.#request(REQUEST.start, encodeSpec(spec));
    return connectMonitor(spec.socketPath, spec.exitPath);
  }

  connect(socketPath: string): Promise<Monitor> {
    return connectMonitor(socketPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#serve?.close();
  }

  #request(kind: number, body: Uint8Array): Promise<Reader> {
    if (!this.#serve?.alive) this.#serve = new ServeClient(this.#options.binaryPath, this.#options.log);
    return this.#serve.request(kind, body);
  }
}

export function createProcessExecutor(options: ProcessExecutorOptions): Executor {
  return new ProcessExecutor(options);
}
