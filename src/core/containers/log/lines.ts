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
      const { bytesRead } = await this.file.handle.read(chunk, this.#partial.length, CHUNK_BYTES, this.#offset);
      if (bytesRead === 0) return undefined;
      this.#offset += bytesRead;
      const filled = chunk.subarray(0, this.#partial.length + bytesRead);
      const end = filled.lastIndexOf(NEWLINE) + 1;
      this.#partial = filled.subarray(end);
      if (end > 0) return filled.subarray(0, end);
    }
  }

  /** Starts over when somebody cut the file short, as people do to make room. */
  async rewindIfTruncated(): Promise<void> {
    const { size } = await this.file.handle.stat();
    if (size >= this.#offset) return;
    this.#offset = 0;
    this.#partial = Buffer.alloc(0);
  }
}
