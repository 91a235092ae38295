import { Worker } from "node:worker_threads";
import { EngineError, messageOf } from "#lib/errors";
import { canceled, type FromWorker, NOTHING, type ToWorker, unpackError } from "./_protocol.ts";
import { SourcePump } from "./_source-pump.ts";
import type { RunOptions } from "./job.ts";

/** One job of a thread, as the main thread sees it. */
interface RunningJob {
  readonly outcome: PromiseWithResolvers<unknown>;
  readonly pump: SourcePump;
}

/** A worker thread and the jobs that it does. */
export class Thread {
  readonly #worker: Worker;
  readonly #running = new Map<number, RunningJob>();
  #last = 0;
  #end: EngineError | undefined;

  constructor(entry: string | URL) {
    this.#worker = new Worker(entry);
    // The daemon lives by its sockets, not by its threads.
    this.#worker.unref();
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error) => this.#abandon(`: ${messageOf(error)}`, error));
    this.#worker.on("exit", () => this.#abandon(""));
  }

  get jobs(): number {
    return this.#running.size;
  }

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  async run(name: string, input: unknown, { source = NOTHING, signal }: RunOptions): Promise<unknown> {
    if (signal?.aborted) throw canceled(signal.reason);
    if (this.#end !== undefined) throw this.#end;
    const job = ++this.#last;
    const outcome = Promise.withResolvers<unknown>();
    const pump = new SourcePump(source, job, (message, transfer) => this.#send(message, transfer));
    this.#running.set(job, { outcome, pump });
    const cancel = () => this.#send({ kind: "cancel", job });
    signal?.addEventListener("abort", cancel);
    this.#send({ kind: "start", job, name, input });
    try {
      void pump.run();
      return await outcome.promise;
    } catch (error) {
      // In this order: a source that failed, or was told to stop, is why the job did.
      throw signal?.aborted ? canceled(signal.reason) : (pump.failure?.error ?? error);
    } finally {
      signal?.removeEventListener("abort", cancel);
      pump.stop();
      this.#running.delete(job);
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
    this.#abandon("");
  }

  #send(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#end === undefined) this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    const running = this.#running.get(message.job);
    if (message.kind === "used") running?.pump.giveBack(message.buffer);
    else if (message.kind === "done") running?.outcome.resolve(message.output);
    else running?.outcome.reject(unpackError(message.error));
  }

  #abandon(reason: string, cause?: unknown): void {
    this.#end ??= new EngineError("internal", `worker thread ended${reason}`, { cause });
    for (const { outcome } of this.#running.values()) outcome.reject(this.#end);
  }
}
