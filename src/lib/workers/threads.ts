import { Thread } from "./_thread.ts";
import type { Job, RunOptions, Workers } from "./job.ts";
import { createLocalWorkers } from "./local.ts";

export interface ThreadOptions {
  /** The program of a thread, which calls `serveJobs`. */
  readonly entry: string | URL;
  /** So many threads at most. */
  readonly limit: number;
  /** Calls back once after a delay; the result cancels it. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
}

/** A thread takes 4 ms to start and some 8 MiB of memory, so it stays for what comes next, and not for long. */
const IDLE_MS = 2_000;

/** Does jobs in threads that start when they are needed. A thread does several at a time: most wait for their source. */
export function createThreads(options: ThreadOptions): Workers {
  return new Threads(options);
}

class Threads implements Workers {
  readonly #options: ThreadOptions;
  readonly #here = createLocalWorkers();
  #threads: Thread[] = [];
  #cancelRest: (() => void) | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  async run<Input, Output>(job: Job<Input, Output>, input: Input, options: RunOptions = {}): Promise<Output> {
    if (options.isLight) return await this.#here.run(job, input, options);
    this.#cancelRest?.();
    this.#cancelRest = undefined;
    try {
      return (await this.#leastBusy().run(job.name, input, options)) as Output;
    } finally {
      if (this.#threads.every((thread) => thread.jobs === 0)) this.#rest();
    }
  }

  /** Ends all threads; jobs under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelRest?.();
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map((thread) => thread.end()));
  }

  #leastBusy(): Thread {
    const living = this.#threads.filter((thread) => !thread.isEnded);
    const idle = living.find((thread) => thread.jobs === 0);
    if (idle === undefined && living.length < this.#options.limit) living.push(new Thread(this.#options.entry));
    this.#threads = living;
    return idle ?? living.reduce((least, thread) => (thread.jobs < least.jobs ? thread : least));
  }

  #rest(): void {
    this.#cancelRest?.();
    this.#cancelRest = this.#options.after(IDLE_MS, () => {
      const idle = this.#threads;
      this.#threads = [];
      for (const thread of idle) void thread.end();
    });
  }
}
