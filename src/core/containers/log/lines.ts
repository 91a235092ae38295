import type { LogFile } from "./files.ts";

/** Large enough that a call costs nothing beside its bytes, small enough that the daemon's other work is not kept waiting. */
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Reads one file of a log in pieces of whole lines. Keeps its place, so that it can go on when the file has grown. */
export class LineReader {
  readonly file: LogFile;
  #offset: number;
  /** The beginning of a line whose end was not there yet. */
  #partial: Buffer = Buffer.alloc(0);

  constructor(file: LogFile, offset: number) {
    this.file = file;
    this.#offset = offset;
  }

  /** The next lines; undefined at the end of what is written so far. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = Buffer.allocUnsafe(this.#partial.length + CHUNK_BYTES);
      this.#partial.copy(chunk);
      const place = { at: this.#partial.length, length: CHUNK_BYTES, from: this.#offset };
      const bytesRead = await this.file.read(chunk, place);
      if (bytesRead === 0) return undefined;
      this.#offset += bytesRead;
      const filled = chunk.subarray(0, this.#partial.length + bytesRead);
      const end = filled.lastIndexOf(NEWLINE) + 1;
      this.#partial = filled.subarray(end);
      if (end > 0) return filled.subarray(0, end);
    }
  }

  /** Where the next line begins that was not given yet. */
  get offset(): number {
    return this.#offset - this.#partial.length;
  }

  /** Starts over when somebody cut the file short, as people do to make room. */
  async rewindIfTruncated(): Promise<void> {
    if ((await this.file.size()) >= this.#offset) return;
    this.#offset = 0;
    this.#partial = Buffer.alloc(0);
  }
}
