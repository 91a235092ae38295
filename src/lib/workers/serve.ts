import { parentPort } from "node:worker_threads";
import { canceled, type FromWorker, packError, type ToWorker } from "./_protocol.ts";
import type { Job } from "./job.ts";

/** Makes this thread do jobs until it is ended. Called once, by a worker thread's own program. */
export function serveJobs(jobs: readonly Job<never, unknown>[]): void {
  const port = parentPort;
  if (port === null) throw new Error("serveJobs() in the main thread");
  const send = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const garbage = new Garbage();
  const discarded = (bytes: number) => garbage.add(bytes);
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const inboxes = new Map<number, Inbox>();

  const start = async ({ job: number, name, input }: Extract<ToWorker, { kind: "start" }>) => {
    const inbox = new Inbox((buffer) => send({ kind: "used", job: number, buffer }, [buffer]));
    inboxes.set(number, inbox);
    try {
      const job = byName.get(name);
      if (job === undefined) throw new Error(`no job "${name}" in this thread`);
      const output = await job.run(input as never, {
        source: inbox.read(),
        signal: inbox.signal,
        discarded,
        mayBlock: true,
      });
      send({ kind: "done", job: number, output });
    } catch (error) {
      send({ kind: "failed", job: number, error: packError(error) });
    } finally {
      inboxes.delete(number);
    }
  };
  port.on("message", (message: ToWorker) => {
    if (message.kind === "start") void start(message);
    else inboxes.get(message.job)?.put(message);
  });
}

/** A collection takes 4 ms of the thread. */
const GARBAGE_BYTES = 16 * 1024 * 1024;

/** Counts the garbage of this thread. */
class Garbage {
  #bytes = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < GARBAGE_BYTES) return;
    this.#bytes = 0;
    Bun.gc(true);
  }
}

/** What has come for one job and was not used yet. */
class Inbox {
  readonly #used: (buffer: ArrayBuffer) => void;
  readonly #abort = new AbortController();
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  #isEnded = false;
  #wake = Promise.withResolvers<void>();

  constructor(used: (buffer: ArrayBuffer) => void) {
    this.#used = used;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  put(message: Exclude<ToWorker, { kind: "start" }>): void {
    if (message.kind === "piece") this.#pieces.push(message.bytes);
    else if (message.kind === "end") this.#isEnded = true;
    else this.#abort.abort(canceled());
    this.#wake.resolve();
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      this.signal.throwIfAborted();
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        yield piece;
        this.#used(piece.buffer);
      } else if (this.#isEnded) {
        return;
      } else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers<void>();
      }
    }
  }
}
