import { closeAll, identityOf, type LogFile, openLog } from "../files.ts";
import { LineReader } from "../lines.ts";
import type { Position } from "./position.ts";
import { RecordReader } from "./records.ts";
import type { LogRecord } from "./sink.ts";

/** Records that follow each other, and the place after the last one. */
export interface Batch {
  readonly records: readonly LogRecord[];
  readonly end: Position;
}

export interface SpoolOptions {
  readonly path: string;
  /** See `RecordReader`. */
  readonly subject: string;
  /** Told of lines that rotation removed before they were read; undefined: nobody knows how many. */
  readonly lost: (lines: number | undefined) => void;
}

/**
 * Reads a log for somebody who may be slower than it is written, and who may go back. Files are held open from the one that `release`
 * named last: what was read can be read again, and what rotation removes before it was read can still be counted. The one that is being
 * read is read to its end, however late.
 */
export class SpoolReader implements AsyncDisposable {
  readonly #options: SpoolOptions;
  /** Oldest first. */
  #files: LogFile[] = [];
  /** Of the one that is being read. */
  #index = 0;
  #reader: LineReader | undefined;
  #records: RecordReader;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#records = new RecordReader(options.subject);
  }

  /** Goes to a position: among the files that are held, or else those that the log has. To the oldest line without one, or when its file is gone. */
  async seek(position: Position | undefined): Promise<void> {
    if (this.#files.length === 0) this.#files = await openLog(this.#options.path);
    this.#records = new RecordReader(this.#options.subject, position?.open);
    const index = this.#files.findIndex(({ identity }) => identity === position?.file);
    if (index < 0 && position) this.#options.lost(undefined);
    this.#begin(Math.max(0, index), index < 0 ? 0 : (position?.offset ?? 0));
    await this.release(position);
  }

  /** Nobody will go back behind this position. */
  async release(position: Position | undefined): Promise<void> {
    const passed = this.#files.findIndex(({ identity }) => identity === position?.file);
    if (passed <= 0) return;
    this.#index -= passed;
    await closeAll(this.#files.splice(0, passed));
  }

  /** The next records; undefined when all that was written was read. */
  async next(): Promise<Batch | undefined> {
    for (;;) {
      const batch = await this.#batch();
      if (batch) return batch;
      if (this.#isNewest) await this.look();
      // Its last lines were written before it was renamed, maybe after the look at it above.
      const late = await this.#batch();
      if (late) return late;
      if (this.#isNewest) return undefined;
      this.#begin(this.#index + 1, 0);
    }
  }

  /** Learns of rotations, which whoever does not read at the moment has to do in time. */
  async look(): Promise<void> {
    const newest = this.#files.at(-1)?.identity;
    if (newest !== undefined && newest === (await identityOf(this.#options.path))) return;
    const listed = await openLog(this.#options.path);
    const kept = this.#files.slice(0, this.#index + 1);
    const held = this.#files.slice(this.#index + 1);
    const ahead = listed.slice(listed.findIndex(({ identity }) => identity === kept.at(-1)?.identity) + 1);
    const identities = new Set(ahead.map(({ identity }) => identity));
    await this.#count(held.filter(({ identity }) => !identities.has(identity)));
    await closeAll([...held, ...listed.filter((file) => !ahead.includes(file))]);
    this.#files = [...kept, ...ahead];
    if (kept.length === 0) this.#begin(0, 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return closeAll(this.#files.splice(0));
  }

  get #isNewest(): boolean {
    return this.#index >= this.#files.length - 1;
  }

  #begin(index: number, offset: number): void {
    this.#index = index;
    const file = this.#files[index];
    this.#reader = file && new LineReader(file, offset);
  }

  async #batch(): Promise<Batch | undefined> {
    const reader = this.#reader;
    if (!reader) return undefined;
    await reader.rewindIfTruncated();
    const lines = await reader.next();
    if (!lines) return undefined;
    const records = this.#records.read(lines);
    return { records, end: { file: reader.file.identity, offset: reader.offset, open: this.#records.open } };
  }

  async #count(gone: readonly LogFile[]): Promise<void> {
    let lines = 0;
    for (const file of gone) {
      const reader = new LineReader(file, 0);
      for (let chunk = await reader.next(); chunk; chunk = await reader.next()) lines += newlinesIn(chunk);
    }
    if (lines > 0) this.#options.lost(lines);
  }
}

function newlinesIn(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count++;
  return count;
}
