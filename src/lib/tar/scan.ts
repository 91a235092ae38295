import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { nextTurn } from "#lib/async";
import { fileError } from "#lib/fs";
import type { TarEntry } from "./entry.ts";
import { malformedTar } from "./errors.ts";
import { type ParseStep, parseTar } from "./parse.ts";

/** Read at once around a header: most files are smaller, so the next header is often in it already. */
const WINDOW_BYTES = 16 * 1024;
/** After so many members other work of the process gets its turn; takes about 2 ms. */
const ENTRIES_PER_TURN = 512;

/**
 * Finds the members of an archive in a file without reading their data.
 *
 * @throws EngineError `invalid-parameter` for a malformed or cut-off archive; `not-found`
 */
export async function scanTarFile(path: string, visit: (entry: TarEntry) => void): Promise<void> {
  using file = new FileWindow(path);
  await scan(file, visit);
}

async function scan(file: FileWindow, visit: (entry: TarEntry) => void): Promise<void> {
  const parser = parseTar();
  let entries = 0;
  for (let step = parser.next(); !step.done; ) {
    if (step.value.need !== undefined) {
      step = parser.next(file.read(step.value.need));
      continue;
    }
    const { entry, paddedSize } = step.value;
    if (entry.dataOffset + entry.storedSize > file.size) throw malformedTar("unexpected end", file.size);
    visit(entry);
    file.skip(paddedSize);
    if (++entries % ENTRIES_PER_TURN === 0) await nextTurn();
    step = parser.next();
  }
}

/** Synchronous reads: one takes a few microseconds from the page cache, an asynchronous one ten times as long. */
class FileWindow implements Disposable {
  readonly size: number;
  readonly #path: string;
  readonly #fd: number;
  readonly #window = new Uint8Array(WINDOW_BYTES);
  #windowStart = 0;
  #windowSize = 0;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, "r");
      this.size = fstatSync(this.#fd).size;
    } catch (error) {
      throw fileError(`open tar "${path}"`, error);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  skip(size: number): void {
    this.#offset += size;
  }

  /** The bytes are valid until the next call. */
  read(size: number): Uint8Array {
    const start = this.#offset;
    if (size > WINDOW_BYTES) {
      const bytes = new Uint8Array(Math.max(0, Math.min(size, this.size - start)));
      this.#offset += bytes.byteLength;
      return bytes.subarray(0, this.#fill(bytes, start));
    }
    if (start < this.#windowStart || start + size > this.#windowStart + this.#windowSize) {
      this.#windowStart = start;
      this.#windowSize = this.#fill(this.#window, start);
    }
    const at = start - this.#windowStart;
    const bytes = this.#window.subarray(at, Math.min(at + size, this.#windowSize));
    this.#offset += bytes.byteLength;
    return bytes;
  }

  #fill(bytes: Uint8Array, start: number): number {
    let filled = 0;
    while (filled < bytes.byteLength) {
      const read = this.#readAt(bytes.subarray(filled), start + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  #readAt(bytes: Uint8Array, offset: number): number {
    try {
      return readSync(this.#fd, bytes, 0, bytes.byteLength, offset);
    } catch (error) {
      throw fileError(`read tar "${this.#path}"`, error);
    }
  }
}

/**
 * Finds the members of an archive while its bytes pass by, in pieces of any size: push each, then call `end`.
 * Nothing but headers is kept. Both throw EngineError `invalid-parameter` for a malformed archive.
 */
export class TarScanner {
  readonly #parser = parseTar();
  readonly #visit: (entry: TarEntry) => void;
  readonly #header: (bytes: Uint8Array) => void;
  /** What the parser waits for, as far as it has come. */
  #wanted = new Uint8Array(0);
  #have = 0;
  /** Of the data and padding after the last entry, what has not passed yet. */
  #skip = 0;
  #padding = 0;
  #done = false;
  #passed = 0;

  /** @param header - is shown all bytes that are no data of members, in order; what an outline is made of */
  constructor(visit: (entry: TarEntry) => void, header: (bytes: Uint8Array) => void = () => {}) {
    this.#visit = visit;
    this.#header = header;
    this.#follow(this.#parser.next());
  }

  push(chunk: Uint8Array): void {
    this.#passed += chunk.byteLength;
    let at = 0;
    while (at < chunk.byteLength && !this.#done) {
      const skipped = Math.min(this.#skip, chunk.byteLength - at);
      this.#skip -= skipped;
      at += skipped;
      const taken = Math.min(this.#wanted.byteLength - this.#have, chunk.byteLength - at);
      this.#wanted.set(chunk.subarray(at, at + taken), this.#have);
      this.#have += taken;
      at += taken;
      if (this.#skip === 0 && this.#have === this.#wanted.byteLength) this.#feed();
    }
  }

  end(): void {
    if (this.#done) return;
    if (this.#skip > this.#padding) throw malformedTar("unexpected end", this.#passed);
    this.#feed();
  }

  #feed(): void {
    const bytes = this.#wanted.subarray(0, this.#have);
    this.#header(bytes);
    this.#follow(this.#parser.next(bytes));
  }

  /** Goes on until the parser needs bytes. */
  #follow(first: IteratorResult<ParseStep, void>): void {
    let step = first;
    while (!step.done && step.value.need === undefined) {
      this.#visit(step.value.entry);
      this.#skip = step.value.paddedSize;
      this.#padding = step.value.paddedSize - step.value.entry.storedSize;
      step = this.#parser.next();
    }
    this.#done = step.done === true;
    this.#wanted = new Uint8Array(step.done || step.value.need === undefined ? 0 : step.value.need);
    this.#have = 0;
  }
}
