import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "#lib/log";
import { connectMonitor } from "./_monitor-connection.ts";
import { REQUEST, ServeClient } from "./_serve-client.ts";
import { sendTree, walkTree } from "./_stream-plan.ts";
import { encodePlan, encodeSpec } from "./encode.ts";
import type { Executor, Monitor, MonitorSpec, StreamPart } from "./executor.ts";
import type { HostPlan } from "./ops.ts";
import type { Reader } from "./reader.ts";
import type { TreeEntry } from "./tree.ts";

export interface ProcessExecutorOptions {
  /** The static `tug-exec`. */
  readonly binaryPath: string;
  /** For sockets that live for a moment; made when it is first needed, for its owner only. A short path. */
  readonly socketsDir: string;
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

  walk(plan: HostPlan, signal?: AbortSignal): AsyncGenerator<TreeEntry> {
    return walkTree((whole) => this.run(whole), plan, { socketPath: this.#socketPath(), signal });
  }

  async send(plan: HostPlan, parts: AsyncIterable<StreamPart>): Promise<void> {
    await sendTree((whole) => this.run(whole), plan, { parts, socketPath: await this.#socketPath() });
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

  async #socketPath(): Promise<string> {
    await mkdir(this.#options.socketsDir, { recursive: true, mode: 0o700 });
    return join(this.#options.socketsDir, crypto.randomUUID().slice(0, 13));
  }

  #request(kind: number, body: Uint8Array): Promise<Reader> {
    if (!this.#serve?.alive) this.#serve = new ServeClient(this.#options.binaryPath, this.#options.log);
    return this.#serve.request(kind, body);
  }
}

export function createProcessExecutor(options: ProcessExecutorOptions): Executor {
  return new ProcessExecutor(options);
}
