import type { Descriptor } from "#api/oci";
import { EngineError, isKind } from "#lib/errors";
import { type BlobRange, openRange } from "./blob-range.ts";
import { throwIfCanceled } from "./errors.ts";
import { ReadAhead } from "./read-ahead.ts";
import { type Patience, pauseAfter } from "./retry.ts";
import type { Session } from "./session.ts";

/**
 * A large blob comes in pieces of this size, so many at once: what one blob holds in memory at most is their product, and the runtime
 * about as much again for each connection. With these the daemon stays below 250 MB while three blobs come in.
 */
export const PIECE_BYTES = 1024 * 1024;
export const PIECES_AT_ONCE = 3;
/** Below, the further requests would cost more than they bring. */
const PARALLEL_FROM_BYTES = 3 * PIECE_BYTES;
/** A connection that brought so much before it broke was no failed try. */
const PROGRESS_BYTES = PIECE_BYTES;

interface Download {
  /** Mirrors first, the registry itself last. */
  readonly sessions: readonly Session[];
  readonly blob: Descriptor;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** A download under way: those before `route.endpoint` have failed. */
interface RoutedDownload extends Download {
  readonly route: { endpoint: number };
}

interface Part {
  readonly start: number;
  readonly end: number;
}

/** The bytes of a blob from `offset` on, in order, over several connections where that helps. */
export async function* downloadBlob(given: Download, offset: number): AsyncGenerator<Uint8Array> {
  const download = { ...given, route: { endpoint: 0 } };
  const { size } = download.blob;
  const whole = { start: offset, end: size };
  if (size - offset < PARALLEL_FROM_BYTES) {
    yield* readPart(download, whole);
    return;
  }
  // The first piece shows whether this registry can be asked for pieces.
  const first = { start: offset, end: offset + PIECE_BYTES };
  const opened = await openFirst(download, first);
  if (opened.isRange) yield* readPieces(download, offset, opened);
  else {
    await opened[Symbol.asyncDispose]();
    yield* readPart(download, whole);
  }
}

/** Keeps some pieces under way, and gives them in order. */
async function* readPieces(download: RoutedDownload, offset: number, first: BlobRange): AsyncGenerator<Uint8Array> {
  const { size } = download.blob;
  const controller = new AbortController();
  const abort = () => controller.abort();
  download.signal.addEventListener("abort", abort, { once: true });
  const own = { ...download, signal: controller.signal };
  const ahead: ReadAhead[] = [];
  let next = offset;
  const begin = (opened?: BlobRange) => {
    const part = { start: next, end: Math.min(next + PIECE_BYTES, size) };
    ahead.push(new ReadAhead(readPart(own, part, opened)));
    next = part.end;
  };
  try {
    begin(first);
    while (ahead.length > 0) {
      while (ahead.length < PIECES_AT_ONCE && next < size) begin();
      const piece = ahead[0] as ReadAhead;
      yield* piece;
      ahead.shift();
    }
  } finally {
    download.signal.removeEventListener("abort", abort);
    controller.abort();
    await Promise.all(ahead.map(({ finished }) => finished));
  }
}

/** One part over one connection after the other, each going on where the last one ended. */
async function* readPart(download: RoutedDownload, part: Part, opened?: BlobRange): AsyncGenerator<Uint8Array> {
  const tries = new Tries(download);
  let position = part.start;
  let begun = opened;
  while (position < part.end) {
    const before = position;
    try {
      await using range = begun ?? (await tries.open({ start: position, end: part.end }));
      begun = undefined;
      for await (const chunk of range.read()) {
        position += chunk.length;
        yield chunk;
      }
    } catch (error) {
      await tries.after(error, position - before);
    }
  }
}

async function openFirst(download: RoutedDownload, part: Part): Promise<BlobRange> {
  for (const tries = new Tries(download); ; ) {
    try {
      return await tries.open(part);
    } catch (error) {
      await tries.after(error, 0);
    }
  }
}

/** Which endpoint is next, and how much patience is left. */
class Tries {
  readonly #download: RoutedDownload;
  #endpoint: number;
  #failures = 0;

  constructor(download: RoutedDownload) {
    this.#download = download;
    this.#endpoint = download.route.endpoint;
  }

  open(part: Part): Promise<BlobRange> {
    const { sessions, blob, signal, route } = this.#download;
    throwIfCanceled(signal);
    this.#endpoint = route.endpoint;
    return openRange(sessions[this.#endpoint] as Session, blob, { ...part, signal });
  }

  /** Returns when there is another try. @throws the failure when there is none */
  async after(error: unknown, progressBytes: number): Promise<void> {
    const { sessions, patience, signal, route } = this.#download;
    throwIfCanceled(signal);
    if (!(error instanceof EngineError) || isKind(error, "canceled")) throw error;
    if (this.#endpoint < sessions.length - 1) {
      // Whatever is wrong with a mirror: the next endpoint may do better. Other pieces may have found out before.
      route.endpoint = Math.max(route.endpoint, this.#endpoint + 1);
      return;
    }
    this.#failures = progressBytes >= PROGRESS_BYTES ? 1 : this.#failures + 1;
    await pauseAfter(error, { failures: this.#failures, patience, signal });
  }
}
