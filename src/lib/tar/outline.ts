/**
 * The outline of an archive: its bytes without the data of its members, so that its members are found again without reading it.
 * The file is a row of zstd frames, each with its length in front:
 *
 *     length, 4 bytes little-endian   frame   length   frame   …
 *
 * A frame holds whole answers to what the parser asks for, so none lies across two of them.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { nextTurn } from "#lib/async";
import { EngineError } from "#lib/errors";
import { fileError, isAbsent } from "#lib/fs";
import { TAR_LIMITS, type TarEntry } from "./entry.ts";
import { malformedTar } from "./errors.ts";
import { parseTar } from "./parse.ts";

/** Headers compress to a twentieth, in large pieces. */
const FRAME_BYTES = 1024 * 1024;
/** A frame is full once it has `FRAME_BYTES`, whatever came last. */
const FRAME_LIMIT_BYTES = FRAME_BYTES + 2 * TAR_LIMITS.paxBytes;
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Writes an outline of what a `TarScanner` shows as headers. */
export class OutlineWriter {
  readonly #fd: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** @param fd - of an empty file; stays open */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Keeps the bytes themselves until they are written. */
  add(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.byteLength;
    if (this.#bytes >= FRAME_BYTES) this.flush();
  }

  /** Call it at the end. */
  flush(): void {
    if (this.#bytes === 0) return;
    const frame = zstdCompressSync(Buffer.concat(this.#pieces), COMPRESSION);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(frame.byteLength);
    const bytes = Buffer.concat([length, frame]);
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(this.#fd, bytes, done);
    this.#pieces = [];
    this.#bytes = 0;
  }
}

/**
 * Finds the members of an archive by its outline.
 *
 * @param sizeBytes - of the archive
 * @returns false, having visited nothing, when there is no such file
 * @throws EngineError `invalid-parameter` for what `scanTarFile` would refuse in the archive, or an outline of another one
 */
export async function scanOutline(path: string, sizeBytes: number, visit: (entry: TarEntry) => void): Promise<boolean> {
  using frames = openFrames(path);
  if (frames === undefined) return false;
  const parser = parseTar();
  for (let step = parser.next(); !step.done; ) {
    if (step.value.need !== undefined) {
      if (frames.isAtEnd && frames.readNext()) await nextTurn();
      step = parser.next(frames.take(step.value.need));
      continue;
    }
    const { entry } = step.value;
    if (entry.dataOffset + entry.storedSize > sizeBytes) throw malformedTar("unexpected end", sizeBytes);
    visit(entry);
    step = parser.next();
  }
  return true;
}

function openFrames(path: string): Frames | undefined {
  try {
    return new Frames(openSync(path, "r"));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError(`open outline "${path}"`, error);
  }
}

class Frames implements Disposable {
  readonly #fd: number;
  #frame: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#frame.byteLength;
  }

  /** @returns false when there is none */
  readNext(): boolean {
    const length = Buffer.alloc(4);
    if (readSync(this.#fd, length) === 0) return false;
    const compressed = Buffer.alloc(Math.min(length.readUInt32LE(), FRAME_LIMIT_BYTES));
    if (readSync(this.#fd, compressed) !== compressed.byteLength) throw brokenOutline();
    this.#frame = zstdDecompressSync(compressed, { maxOutputLength: FRAME_LIMIT_BYTES });
    this.#at = 0;
    return true;
  }

  /** `size` bytes, fewer only at the end of the archive. */
  take(size: number): Uint8Array {
    const bytes = this.#frame.subarray(this.#at, this.#at + size);
    this.#at += bytes.byteLength;
    return bytes;
  }
}

function brokenOutline(): EngineError {
  return new EngineError("internal", "outline of a tar is cut off");
}
