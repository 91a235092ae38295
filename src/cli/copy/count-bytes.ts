import type { Io } from "../io.ts";
import { formatSize } from "../values/sizes.ts";

/** Sizes of copies have one digit more than others. */
const SIZE_DIGITS = 3;
/** A terminal is written to no more often than this, as Docker's client does. */
const REDRAW_MS = 75;

/** How many bytes of a copy went by; on a terminal it shows that while they do. */
export class ByteCount {
  readonly #io: Io;
  readonly #title: string;
  readonly #isShown: boolean;
  #bytes = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  /** @param title - what stands before the number: `Copying to container` */
  constructor(io: Io, title: string, options: { quiet: boolean }) {
    this.#io = io;
    this.#title = title;
    this.#isShown = !options.quiet && io.stdout.isTerminal && io.stderr.isTerminal;
  }

  async *of(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const part of bytes) {
      this.#bytes += part.byteLength;
      this.#draw();
      yield part;
    }
  }

  /** `2.05kB` */
  get text(): string {
    return formatSize(this.#bytes, SIZE_DIGITS);
  }

  /** Takes the line off the terminal. */
  clear(): void {
    if (this.#isShown) this.#io.stderr.write("\r\x1b[2K");
  }

  #draw(): void {
    const now = this.#io.now();
    if (!this.#isShown || now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#io.stderr.write(`\r\x1b[2K${this.#title} - ${this.text}`);
  }
}
