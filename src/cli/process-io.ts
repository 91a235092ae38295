/** The process itself as `Io`: the only file of the command line that knows globals. */
import { EngineError } from "#lib/errors";
import { enterRawMode, hideTyping } from "#lib/term";
import type { Input, Io, Output, Release } from "./io.ts";

export interface ProcessIo extends Io {
  /** To be awaited before the process ends. */
  flush(): Promise<void>;
}

/** Bun's names of architectures in Go's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

const READ_BYTES = 64 << 10;
/** Another program made our output non-blocking and its reader is slow: look again after this long. */
const RETRY_MS = 1;

/**
 * Streams are used through their file descriptors: `process.stdout` and `process.stdin` cost 5 ms to set up, which is
 * more than the rest of a command takes.
 */
export function processIo(release: Release, registry: Io["registry"]): ProcessIo {
  const stdout = new ProcessOutput(1);
  const stderr = new ProcessOutput(2);
  return {
    env: process.env,
    home: process.env.HOME ?? "/",
    cwd: process.cwd(),
    stdin: new ProcessInput(0),
    stdout,
    stderr,
    release,
    arch: ARCHITECTURES[process.arch] ?? process.arch,
    now: () => Date.now(),
    terminalSize,
    onSignal(name, handler) {
      process.on(name, handler);
      return { [Symbol.dispose]: () => void process.off(name, handler) };
    },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    registry,
    flush: async () => {
      await stdout.flush();
      await stderr.flush();
    },
  };
}

/** Loads in 0.7 ms, and what only writes a few lines needs nothing of it. */
function fs(): typeof import("node:fs") {
  return process.getBuiltinModule("node:fs");
}

/** Loads in 1 ms, and only people at a terminal need it. */
function tty(): typeof import("node:tty") {
  return process.getBuiltinModule("node:tty");
}

/** The kernel's number for memory devices, `/dev/null` among them. */
const MEMORY_MAJOR = 1;

function isTerminal(fd: number): boolean {
  try {
    const stat = fs().fstatSync(fd);
    return stat.isCharacterDevice() && stat.rdev >> 8 !== MEMORY_MAJOR && tty().isatty(fd);
  } catch {
    // A stream that was closed before we began.
    return false;
  }
}

function terminalSize(): { rows: number; columns: number } | undefined {
  const fd = [0, 1, 2].find(isTerminal);
  if (fd === undefined) return undefined;
  const [columns = 0, rows = 0] = new (tty().WriteStream)(fd).getWindowSize();
  return { rows, columns };
}

/** PIPE_BUF: a pipe takes so much whole or not at all. */
const QUICK_WRITE_BYTES = 4096;

class ProcessOutput implements Output {
  readonly fd: number;
  #isTerminal: boolean | undefined;
  /** Writes that a full pipe has put off. Later ones go behind them. */
  #waiting: Promise<unknown> | undefined;

  constructor(fd: number) {
    this.fd = fd;
  }

  get isTerminal(): boolean {
    this.#isTerminal ??= isTerminal(this.fd);
    return this.#isTerminal;
  }

  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (this.#waiting !== undefined) this.#waiting = this.#waiting.then(() => this.#writeWhole(bytes));
    else if (bytes.length > QUICK_WRITE_BYTES) this.#writeWhole(bytes);
    else if (bytes.length > 0) this.#writeQuickly(bytes);
  }

  /** Resolves when everything has left. */
  async flush(): Promise<void> {
    await this.#waiting;
  }

  /**
   * By Bun's own call, which has written when it returns, and needs no `node:fs`: most commands say a few lines and end. Only if
   * somebody made our output non-blocking and the pipe is full will it be written later.
   */
  #writeQuickly(bytes: Uint8Array): void {
    const writing = Bun.write(this.fd === 1 ? Bun.stdout : Bun.stderr, bytes);
    const written = writing.catch((error) => Promise.reject(writeError(error)));
    // Told by a throw, here or in `flush`.
    written.catch(() => undefined);
    const result: unknown = Bun.peek(writing);
    if (result === writing) this.#waiting = written;
    else if (typeof result !== "number") throw writeError(result);
  }

  #writeWhole(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      try {
        rest = rest.subarray(fs().writeSync(this.fd, rest));
      } catch (error) {
        if (!isRetryable(error)) throw writeError(error);
        Bun.sleepSync(RETRY_MS);
      }
    }
  }

  async writeAsync(data: Uint8Array): Promise<void> {
    let rest = data;
    while (rest.length > 0) {
      const written = await this.#writeSome(rest);
      if (written === 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      rest = rest.subarray(written);
    }
  }

  #writeSome(data: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      fs().write(this.fd, data, 0, data.length, null, (error, written) => {
        if (error === null) resolve(written);
        else if (isRetryable(error)) resolve(0);
        else reject(writeError(error));
      });
    });
  }
}

function isRetryable(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EAGAIN" || code === "EINTR";
}

function writeError(cause: unknown): EngineError {
  const brokenPipe = (cause as NodeJS.ErrnoException).code === "EPIPE";
  return new EngineError(brokenPipe ? "canceled" : "internal", `write: ${(cause as Error).message}`, {
    cause,
    data: { brokenPipe },
  });
}

class ProcessInput implements Input {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get isTerminal(): boolean {
    return isTerminal(this.#fd);
  }

  async *read(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const bytes = await this.#readSome(Buffer.allocUnsafe(READ_BYTES));
      if (bytes.length === 0) return;
      yield bytes;
    }
  }

  enterRawMode(): Promise<Disposable> {
    return enterRawMode(this.#fd);
  }

  hideTyping(): Promise<Disposable> {
    return hideTyping(this.#fd);
  }

  #readSome(buffer: Buffer): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      fs().read(this.#fd, buffer, 0, buffer.length, null, (error, count) => {
        if (error === null) resolve(buffer.subarray(0, count));
        else if (isRetryable(error)) setTimeout(() => this.#readSome(buffer).then(resolve, reject), RETRY_MS);
        else reject(error);
      });
    });
  }
}
