import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { isAbsent } from "#lib/fs";

/** One line: who did what to which thing from where, and how it ended. */
export interface AuditRecord {
  readonly time: string;
  /** Null for somebody without an account. */
  readonly user: string | null;
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly action: string;
  readonly repository?: string;
  readonly reference?: string;
  readonly digest?: string;
  readonly status: number;
  readonly userAgent?: string;
}

export interface AuditLogOptions {
  readonly path: string;
  /** The file is renamed to `PATH.1` when it is larger, that one to `PATH.2`, and so on. */
  readonly limitBytes: number;
  /** How many renamed files are kept. */
  readonly keep: number;
  report(error: unknown): void;
}

/** Records that wait for a slow disk. More are lost, and counted in a line of their own. */
const MOST_WAITING = 100_000;

/** Appends JSON lines to a file, in the order of the calls, without making a request wait. */
export class AuditLog implements AsyncDisposable {
  readonly #options: AuditLogOptions;
  #file: FileHandle | undefined;
  #bytes = 0;
  #waiting: string[] = [];
  #lost = 0;
  #writing: Promise<void> | undefined;
  #isMoved = false;

  private constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /** @throws when the file cannot be written */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const log = new AuditLog(options);
    await log.#open();
    return log;
  }

  add(record: AuditRecord): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(`${JSON.stringify(record)}\n`);
    this.#writing ??= this.#write();
  }

  /** Opens the file anew, which somebody else may have renamed. */
  reopen(): void {
    this.#isMoved = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#file?.close();
  }

  async #write(): Promise<void> {
    // What is added in the same turn goes out in one write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        await this.#append(lines);
        if (this.#lost > 0) await this.#append([`${JSON.stringify({ lost: this.#lost })}\n`]);
        this.#lost = 0;
      } catch (error) {
        this.#lost += lines.length;
        this.#options.report(error);
      }
    }
    // In the same turn as the last look at what waits.
    this.#writing = undefined;
  }

  async #append(lines: readonly string[]): Promise<void> {
    if (this.#isMoved || this.#file === undefined) await this.#open();
    const ready: string[] = [];
    let bytes = this.#bytes;
    for (const line of lines) {
      const size = Buffer.byteLength(line);
      if (bytes > 0 && bytes + size > this.#options.limitBytes) {
        await this.#put(ready.splice(0));
        await this.#rotate();
        bytes = 0;
      }
      ready.push(line);
      bytes += size;
    }
    await this.#put(ready);
  }

  async #put(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(lines.join(""));
    await this.#file?.appendFile(bytes);
    this.#bytes += bytes.length;
  }

  async #rotate(): Promise<void> {
    const { path, keep } = this.#options;
    for (let index = keep; index >= 1; index--) {
      const from = index === 1 ? path : `${path}.${index - 1}`;
      await rename(from, `${path}.${index}`).catch((error) => {
        if (!isAbsent(error)) throw error;
      });
    }
    await this.#open(keep === 0 ? "w" : "a");
  }

  async #open(flags = "a"): Promise<void> {
    this.#isMoved = false;
    await this.#file?.close();
    this.#file = undefined;
    this.#file = await open(this.#options.path, flags, 0o600);
    this.#bytes = (await stat(this.#options.path)).size;
  }
}
