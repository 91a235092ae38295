import { EngineError } from "#lib/errors";
import type { Logger } from "#lib/log";
import { Reader, RecordSplitter } from "./reader.ts";
import { readError } from "./records.ts";
import { Writer } from "./writer.ts";

export const REQUEST = { run: 1, start: 2 } as const;

interface Pending {
  readonly resolve: (answer: Reader) => void;
  readonly reject: (error: EngineError) => void;
}

/**
 * One life of `tug-exec serve`: requests are written to its stdin, answers come on its stdout in any order and carry the
 * request's number. When the process ends, whatever is pending fails with `unavailable`.
 */
export class ServeClient {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #pending = new Map<number, Pending>();
  readonly ended: Promise<void>;
  #nextId = 1;
  #alive = true;

  constructor(binaryPath: string, log: Logger) {
    this.#process = Bun.spawn([binaryPath, "serve"], { stdin: "pipe", stdout: "pipe", stderr: "inherit", env: {} });
    this.ended = this.#collect(log);
  }

  get alive(): boolean {
    return this.#alive;
  }

  request(kind: number, body: Uint8Array): Promise<Reader> {
    const id = this.#nextId++ % 2 ** 32;
    const out = new Writer();
    out.record(() => {
      out.num(id);
      out.byte(kind);
      out.raw(body);
    });
    const { promise, resolve, reject } = Promise.withResolvers<Reader>();
    this.#pending.set(id, { resolve, reject });
    this.#process.stdin.write(out.finish());
    this.#process.stdin.flush();
    return promise;
  }

  /** Ends the process; what is pending fails. Monitors and their containers go on. */
  async close(): Promise<void> {
    await this.#process.stdin.end();
    await this.ended;
  }

  async #collect(log: Logger): Promise<void> {
    const splitter = new RecordSplitter();
    const reading = (async () => {
      for await (const chunk of this.#process.stdout) for (const record of splitter.push(chunk)) this.#settle(record);
    })();
    // A plan that hangs keeps the pipe open after the process is gone, so its end does not tell.
    await this.#process.exited;
    await Promise.race([reading, Bun.sleep(0)]);
    this.#alive = false;
    if (this.#pending.size > 0) log.warn("the executor ended", { pending: this.#pending.size });
    const reason = new EngineError("unavailable", "the executor ended before it answered");
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }

  #settle(record: Uint8Array): void {
    const reader = new Reader(record);
    const id = reader.num();
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (reader.flag()) pending?.reject(readError(reader));
    else pending?.resolve(reader);
  }
}
