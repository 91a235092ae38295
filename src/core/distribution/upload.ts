import { createHash } from "node:crypto";
import { type Digest, parseDigest } from "#api/oci";
import { EngineError } from "#lib/errors";
import type { OutgoingBlob, PushOptions } from "./distribution.ts";
import { temporary } from "./errors.ts";
import { type Patience, pauseAfter } from "./retry.ts";
import type { Session } from "./session.ts";
import { UploadSession } from "./upload-session.ts";

/** Up to this size a blob goes in one request. */
const MONOLITHIC_LIMIT_BYTES = 64 * 1024 * 1024;
/** Larger ones go in chunks, so that proxies with limits let them pass and a broken connection costs little. */
const CHUNK_BYTES = 32 * 1024 * 1024;

interface Upload extends PushOptions {
  readonly session: Session;
  readonly blob: OutgoingBlob;
  readonly patience: Patience;
}

/** Sends one blob, and goes on where a broken connection ended. What could not be finished is cancelled at the registry. */
export async function uploadBlob(upload: Upload): Promise<{ digest: Digest; size: number }> {
  const { session, signal, patience } = upload;
  await using source = new Source(upload);
  let remote: UploadSession | undefined;
  try {
    for (let failures = 1; ; failures += 1) {
      const before = source.confirmed;
      try {
        const offset = (await remote?.status()) ?? 0;
        remote ??= await UploadSession.begin(session, signal);
        return await sendFrom(remote, source, offset);
      } catch (error) {
        if (source.confirmed - before >= CHUNK_BYTES) failures = 1;
        const isLost = remote !== undefined && losesSession(error);
        await pauseAfter(isLost ? temporary((error as EngineError).message) : error, { failures, patience, signal });
        if (isLost) {
          await remote?.cancel();
          remote = undefined;
        }
      }
    }
  } catch (error) {
    await remote?.cancel();
    throw error;
  }
}

/** The upload is gone, or has other bytes than we think: a new one may do. */
function losesSession(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false;
  const { status, code } = error.data;
  return status === 404 || status === 416 || code === "BLOB_UPLOAD_UNKNOWN" || code === "BLOB_UPLOAD_INVALID";
}

async function sendFrom(
  remote: UploadSession,
  source: Source,
  offset: number,
): Promise<{ digest: Digest; size: number }> {
  const { digest, size } = source.blob;
  if (digest !== undefined && size !== undefined && offset === 0 && size <= MONOLITHIC_LIMIT_BYTES) {
    await remote.finish(digest, { size, body: () => source.from(0) });
    return { digest, size };
  }
  let position = offset;
  if (size === undefined) position = await sendAll(remote, source, offset);
  while (size !== undefined && position < size) position = await sendChunk(remote, source, { position, size });
  const result = source.result();
  await remote.finish(result.digest);
  return result;
}

/** In one request of unknown length, as nobody knows where the end is. */
async function sendAll(remote: UploadSession, source: Source, start: number): Promise<number> {
  const has = await remote.append({ start, size: undefined, body: () => source.from(start) });
  if (has !== undefined && has !== source.position) {
    throw temporary(`upload: sent ${source.position} bytes, the registry has ${has}`);
  }
  return source.position;
}

async function sendChunk(
  remote: UploadSession,
  source: Source,
  { position, size }: { position: number; size: number },
): Promise<number> {
  const length = Math.min(Math.max(CHUNK_BYTES, remote.minimumBytes), size - position);
  const end = position + length;
  const has = await remote.append({ start: position, size: length, body: () => source.from(position, end) });
  // A registry may take less than it was given, and says so.
  const next = has ?? end;
  if (next <= position || next > end)
    throw temporary(`upload: sent bytes ${position}-${end - 1}, the registry has ${next}`);
  source.confirmed = next;
  return next;
}

interface OpenSource {
  readonly iterator: AsyncIterator<Uint8Array>;
  position: number;
  /** Was read, and not given out yet. */
  rest: Uint8Array;
}

/** The bytes of the blob in one pass where possible: they are digested on the way, counted, and opened again after a failure. */
class Source implements AsyncDisposable {
  readonly blob: OutgoingBlob;
  /** What the registry said that it has. */
  confirmed = 0;
  /** Up to where bytes were given out. */
  position = 0;
  readonly #onProgress: (bytes: number) => void;
  readonly #hash = createHash("sha256");
  #digested = 0;
  /** What the last reader left in good order. */
  #idle: OpenSource | undefined;

  constructor({ blob, onProgress }: Upload) {
    this.blob = blob;
    this.#onProgress = (bytes) => onProgress?.(bytes);
  }

  /** The bytes from `start` up to `end`, or all that follow. */
  async *from(start: number, end = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
    const open = await this.#openAt(start);
    let isComplete = false;
    try {
      while (open.position < end) {
        const chunk = open.rest.length > 0 ? open.rest : await readChunk(open.iterator);
        if (!chunk) break;
        const given = chunk.subarray(0, Math.min(chunk.length, end - open.position));
        open.rest = chunk.subarray(given.length);
        this.#digest(given, open.position);
        open.position += given.length;
        this.position = open.position;
        this.#onProgress(open.position);
        yield given;
      }
      this.#checkLength(open.position, end);
      isComplete = true;
    } finally {
      if (isComplete) this.#idle = open;
      else await open.iterator.return?.();
    }
  }

  /** When all has been given out. */
  result(): { digest: Digest; size: number } {
    const size = this.blob.size ?? this.position;
    return { digest: this.blob.digest ?? parseDigest(`sha256:${this.#hash.digest("hex")}`), size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#idle?.iterator.return?.();
  }

  async #openAt(start: number): Promise<OpenSource> {
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle?.position === start) return idle;
    await idle?.iterator.return?.();
    const iterator = this.blob.open(start)[Symbol.asyncIterator]();
    return { iterator, position: start, rest: new Uint8Array() };
  }

  /** Bytes that are sent once more are not digested once more. */
  #digest(chunk: Uint8Array, position: number): void {
    if (this.blob.digest !== undefined || position + chunk.length <= this.#digested) return;
    this.#hash.update(chunk.subarray(this.#digested - position));
    this.#digested = position + chunk.length;
  }

  #checkLength(position: number, end: number): void {
    const expected = this.blob.size === undefined ? undefined : Math.min(end, this.blob.size);
    if (expected !== undefined && position < expected) {
      throw new EngineError("internal", `upload: the blob ended after ${position} bytes of ${this.blob.size}`);
    }
  }
}

/** Undefined at the end. Empty chunks would end a body of chunked encoding. */
async function readChunk(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return undefined;
    if (value.length > 0) return value;
  }
}
