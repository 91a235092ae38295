import { connect, type Socket } from "node:net";
import { EngineError, messageOf } from "#lib/errors";
import type { AttachOptions, ExitRecord, Monitor, StartedRecord } from "./executor.ts";
import { Reader, RecordSplitter } from "./reader.ts";
import { kindOfErrno, readError, readExit, readExitRecord, readStarted } from "./records.ts";
import { Writer } from "./writer.ts";

/** The protocol of executor/src/monitor.h. */
const REQUEST = { signal: 0, resize: 1, reopenLog: 2 } as const;
const FRAME = { answer: 0, started: 1, failed: 2, exited: 3 } as const;
const WANTS = { stdin: 1, stdout: 2, stderr: 4 } as const;

/**
 * Connects to a monitor's socket as a controller.
 *
 * @param exitPath - where its exit record would be, should the monitor be gone already
 */
export async function connectMonitor(socketPath: string, exitPath?: string): Promise<Monitor> {
  const socket = await connectSocket(socketPath, "monitor");
  socket.write(Buffer.from(["C".charCodeAt(0), 0, 0, 0]));
  return new MonitorConnection(socketPath, socket, exitPath);
}

function connectSocket(path: string, what: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ path, allowHalfOpen: true });
  const refused = (error: NodeJS.ErrnoException) => {
    const absent = error.code === "ENOENT" || error.code === "ECONNREFUSED";
    const message = `connect to ${what} at ${JSON.stringify(path)}: ${messageOf(error)}`;
    reject(new EngineError(absent ? "not-found" : "unavailable", message, { cause: error }));
  };
  socket.once("error", refused);
  socket.once("connect", () => {
    socket.removeListener("error", refused);
    resolve(socket);
  });
  return promise;
}

class MonitorConnection implements Monitor {
  readonly socketPath: string;
  readonly #socket: Socket;
  readonly #exitPath: string | undefined;
  readonly #started = Promise.withResolvers<StartedRecord>();
  readonly #exited = Promise.withResolvers<ExitRecord>();
  /** Requests that wait for their answers, which come in order. */
  readonly #asked: { resolve: () => void; reject: (error: EngineError) => void }[] = [];
  #ended = false;
  #closed = false;
  #lost = false;

  constructor(socketPath: string, socket: Socket, exitPath: string | undefined) {
    this.socketPath = socketPath;
    this.#socket = socket;
    this.#exitPath = exitPath;
    // Whoever does not ask how it went need not be told that it failed.
    this.#started.promise.catch(() => {});
    this.#exited.promise.catch(() => {});
    const splitter = new RecordSplitter();
    socket.on("data", (chunk: Buffer) => {
      for (const record of splitter.push(chunk)) this.#take(new Reader(record));
    });
    socket.on("error", () => {}); // "close" follows, and says all
    socket.on("end", () => socket.end());
    socket.on("close", () => void this.#lose());
  }

  get started(): Promise<StartedRecord> {
    return this.#started.promise;
  }

  get exited(): Promise<ExitRecord> {
    return this.#exited.promise;
  }

  signal(signal: number): Promise<void> {
    return this.#ask(REQUEST.signal, signal, 0);
  }

  resize({ width, height }: { width: number; height: number }): Promise<void> {
    return this.#ask(REQUEST.resize, width, height);
  }

  reopenLog(): Promise<void> {
    return this.#ask(REQUEST.reopenLog, 0, 0);
  }

  async attach(options: AttachOptions): Promise<Socket> {
    const socket = await connectSocket(this.socketPath, "monitor");
    const streams =
      (options.stdin ? WANTS.stdin : 0) | (options.stdout ? WANTS.stdout : 0) | (options.stderr ? WANTS.stderr : 0);
    socket.write(Buffer.from(["A".charCodeAt(0), streams, 0, 0]));
    return socket;
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  /** After the end there is nobody to ask, and nothing that asking would change. */
  #ask(kind: number, first: number, second: number): Promise<void> {
    if (this.#ended) return Promise.resolve();
    if (this.#lost) return this.#exited.promise.then(() => undefined);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#asked.push({ resolve, reject });
    const out = new Writer();
    out.num(kind);
    out.num(first);
    out.num(second);
    this.#socket.write(out.finish());
    return promise;
  }

  #take(frame: Reader): void {
    switch (frame.byte()) {
      case FRAME.answer:
        this.#settle(frame.num());
        break;
      case FRAME.started:
        this.#started.resolve(readStarted(frame));
        break;
      case FRAME.failed:
        this.#started.reject(readError(frame));
        break;
      case FRAME.exited:
        this.#finish(readExit(frame));
    }
  }

  #settle(errno: number): void {
    const request = this.#asked.shift();
    if (errno === 0) request?.resolve();
    else request?.reject(new EngineError(kindOfErrno(errno), `monitor: errno ${errno}`, { data: { errno } }));
  }

  #finish(record: ExitRecord): void {
    this.#ended = true;
    this.#exited.resolve(record);
    for (const request of this.#asked.splice(0)) request.resolve();
  }

  /** The connection is gone. A monitor that ended meanwhile left its record. */
  async #lose(): Promise<void> {
    const lost = this.#closed
      ? new EngineError("canceled", `the connection to the monitor at ${JSON.stringify(this.socketPath)} was closed`)
      : new EngineError("unavailable", `the monitor at ${JSON.stringify(this.socketPath)} is gone`);
    this.#lost = true;
    if (!this.#ended && !this.#closed && this.#exitPath !== undefined) {
      const record = await readExitRecord(this.#exitPath).catch(() => undefined);
      if (record !== undefined) this.#finish(record);
    }
    for (const request of this.#asked.splice(0)) request.reject(lost);
    this.#started.reject(lost);
    this.#exited.reject(lost);
  }
}
