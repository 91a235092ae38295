/**
 * The work of taking in a layer, done in a thread of its own. One pass: the bytes as stored are hashed, decompressed, hashed again,
 * scanned for members and written.
 */
import { createHash } from "node:crypto";
import { closeSync, fdatasync, fdatasyncSync, openSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import { type Digest, parseDigest } from "#api/oci";
import type { DiffID } from "#core/snapshots";
import { type CompressionFormat, decompress, detectCompression, MAGIC_BYTES, peek } from "#lib/compression";
import { EngineError } from "#lib/errors";
import { fileError } from "#lib/fs";
import { tap } from "#lib/stream";
import { OutlineWriter, TarScanner } from "#lib/tar";
import type { Job, JobIo } from "#lib/workers";

export interface LayerFiles {
  /** What is to become the layer's tar, and its outline. Neither exists. */
  readonly tar: string;
  readonly outline: string;
}

export interface LayerInput extends LayerFiles {
  readonly stored?: { readonly digest: Digest; readonly size: number };
  readonly diffID?: DiffID;
}

/** A layer as it came: compressed or not. */
export interface StoredForm {
  readonly digest: Digest;
  readonly size: number;
  /** Undefined when it was not compressed; then `digest` is the diffID. */
  readonly compression?: CompressionFormat;
}

export interface LayerOutput {
  readonly diffID: DiffID;
  readonly blobBytes: number;
  readonly fileBytes: number;
  readonly stored: StoredForm;
  /** Whether the outline was written: a small tar is read as quickly itself. */
  readonly hasOutline: boolean;
}

/** Beyond what any layer has, and within what EROFS can address. A smaller disk is full before. */
const LAYER_LIMIT_BYTES = 2 ** 40;
/** The disk writes while the rest still comes, and never has more than this to catch up with. */
const SYNC_BYTES = 32 * 1024 * 1024;
/** Of tars below this the headers are read from themselves. */
const OUTLINE_FROM_BYTES = 1024 * 1024;

/**
 * Writes a layer's tar and its outline, synced. What it leaves when it fails is the caller's to remove.
 *
 * @throws `invalid-parameter` for a layer that is not what it was said to be, broken, cut off, no tar or too large; `unavailable` when the disk is full
 */
export const storeLayerJob: Job<LayerInput, LayerOutput> = {
  name: "images/store-layer",
  async run(input, { source, ...io }) {
    const { head, stream } = await peek(source, MAGIC_BYTES);
    const compression = detectCompression(head);
    const asStored = new Measure();
    using tar = new LayerWriter(input, io);
    const bytes = compression === undefined ? stream : decompress(tap(stream, (piece) => asStored.add(piece)));
    for await (const piece of bytes) await tar.write(piece);
    const written = await tar.finish();
    const { diffID: digest, blobBytes: size } = written;
    const stored = compression === undefined ? { digest, size } : { ...asStored.result(), compression };
    verify(input, { stored, diffID: digest });
    return { ...written, stored };
  },
};

/** Hashes and counts bytes. */
class Measure {
  readonly #hash = createHash("sha256");
  size = 0;

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.size += bytes.byteLength;
  }

  result(): { digest: Digest; size: number } {
    return { digest: parseDigest(`sha256:${this.#hash.digest("hex")}`), size: this.size };
  }
}

/** A piece is written beside this thread, which hashes and scans it meanwhile. */
class LayerWriter implements Disposable {
  readonly #tar: number;
  readonly #outlineFile: number;
  readonly #outline: OutlineWriter;
  readonly #io: Pick<JobIo, "discarded" | "mayBlock">;
  readonly #measure = new Measure();
  readonly #scanner: TarScanner;
  #fileBytes = 0;
  #unsynced = 0;

  constructor({ tar, outline }: LayerFiles, io: Pick<JobIo, "discarded" | "mayBlock">) {
    this.#io = io;
    this.#tar = openNew(tar);
    this.#outlineFile = openNew(outline);
    this.#outline = new OutlineWriter(this.#outlineFile);
    this.#scanner = new TarScanner(
      (entry) => {
        this.#fileBytes += entry.size;
      },
      (header) => this.#outline.add(header),
    );
  }

  async write(bytes: Uint8Array): Promise<void> {
    const writing = writeBeside(this.#tar, bytes);
    let done = 0;
    try {
      this.#inspect(bytes);
    } finally {
      // Whatever is wrong with them: until they are written the file stays open, and the bytes as they are.
      done = await writing;
    }
    this.#io.discarded(bytes.byteLength);
    this.#unsynced += bytes.byteLength;
    await onDisk(async () => {
      // A short write: the disk is nearly full, and the next one tells why.
      for (let at = done; at < bytes.byteLength; ) at += writeSync(this.#tar, bytes, at);
      if (this.#unsynced >= SYNC_BYTES) await this.#sync(this.#tar);
    });
  }

  async finish(): Promise<Omit<LayerOutput, "stored">> {
    this.#scanner.end();
    const { digest: diffID, size: blobBytes } = this.#measure.result();
    const hasOutline = blobBytes >= OUTLINE_FROM_BYTES;
    await onDisk(async () => {
      await this.#sync(this.#tar);
      if (!hasOutline) return;
      this.#outline.flush();
      await this.#sync(this.#outlineFile);
    });
    return { diffID, blobBytes, fileBytes: this.#fileBytes, hasOutline };
  }

  [Symbol.dispose](): void {
    closeSync(this.#tar);
    closeSync(this.#outlineFile);
  }

  #inspect(bytes: Uint8Array): void {
    this.#measure.add(bytes);
    if (this.#measure.size > LAYER_LIMIT_BYTES)
      throw new EngineError("invalid-parameter", `layer is larger than ${LAYER_LIMIT_BYTES} bytes`);
    this.#scanner.push(bytes);
  }

  /** In a thread of its own it waits by itself: of those that wait for everybody the process has few. */
  async #sync(fd: number): Promise<void> {
    this.#unsynced = 0;
    if (this.#io.mayBlock) fdatasyncSync(fd);
    else await promisify(fdatasync)(fd);
  }
}

/** @returns how many bytes were written */
function writeBeside(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.byteLength, null, (error, count) => {
      if (error) reject(fileError(WRITING, error));
      else resolve(count);
    });
  });
}

function openNew(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    throw fileError(WRITING, error);
  }
}

const WRITING = "write layer";

async function onDisk<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw fileError(WRITING, error);
  }
}

function verify(expected: LayerInput, actual: { stored: { digest: Digest; size: number }; diffID: DiffID }): void {
  const { stored, diffID } = expected;
  if (stored !== undefined && stored.size !== actual.stored.size)
    throw new EngineError(
      "invalid-parameter",
      `layer "${stored.digest}": expected ${stored.size} bytes, got ${actual.stored.size}`,
    );
  if (stored !== undefined && stored.digest !== actual.stored.digest)
    throw new EngineError("invalid-parameter", `filesystem layer verification failed for digest ${stored.digest}`);
  if (diffID !== undefined && diffID !== actual.diffID)
    throw new EngineError("invalid-parameter", `layer diffID mismatch: expected "${diffID}", got "${actual.diffID}"`);
}
