import { writeSync } from "node:fs";

/** Writes a file front to back in large pieces; what is left out stays a hole. */
export class SequentialFile {
  /** A larger piece may be reserved, it is just not gathered with others. */
  static readonly MAX_RESERVE = 1024 * 1024;
  readonly #fd: number;
  #buffer = Buffer.alloc(SequentialFile.MAX_RESERVE);
  /** Where in the file the buffer starts, and how much of it is used. */
  #start = 0;
  #used = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Zeroed bytes at an offset of the file, not before the last ones. Fill them before the next call. */
  reserve(offset: number, size: number): Buffer {
    if (offset + size > this.#start + this.#buffer.byteLength) {
      this.flush();
      this.#start = offset;
      if (size > this.#buffer.byteLength) this.#buffer = Buffer.alloc(size);
    }
    const at = offset - this.#start;
    this.#used = at + size;
    return this.#buffer.subarray(at, at + size);
  }

  flush(): void {
    for (let done = 0; done < this.#used; )
      done += writeSync(this.#fd, this.#buffer, done, this.#used - done, this.#start + done);
    this.#buffer.fill(0, 0, this.#used);
    this.#start += this.#used;
    this.#used = 0;
  }
}
