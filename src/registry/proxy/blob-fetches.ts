import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "#api/oci";
import { EngineError } from "#lib/errors";
import { GrowingFile } from "./growing-file.ts";
import { routeFor, type UpstreamRoute } from "./source.ts";

/** A blob that is fetched for whoever wants it. */
export interface WantedBlob {
  readonly repository: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface BlobFetchesOptions {
  /** Where blobs lie while they come in; emptied at start. */
  readonly folder: string;
  readonly routes: readonly UpstreamRoute[];
  /** Stores them for good; checks the digest. */
  store(blob: WantedBlob, source: AsyncIterable<Uint8Array>): Promise<unknown>;
  newId(): string;
  report(error: unknown): void;
}

/** One transfer and those who wait for it. */
interface Fetching {
  readonly path: string;
  readonly file: Promise<GrowingFile>;
  readonly abort: AbortController;
  readers: number;
}

/** Brings each blob once, however many clients want it at the same time, and gives it to all while it arrives. */
export class BlobFetches {
  readonly #options: BlobFetchesOptions;
  readonly #running = new Map<string, Fetching>();

  private constructor(options: BlobFetchesOptions) {
    this.#options = options;
  }

  static async open(options: BlobFetchesOptions): Promise<BlobFetches> {
    await rm(options.folder, { recursive: true, force: true });
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    return new BlobFetches(options);
  }

  /**
   * The blob as it arrives. Nothing is asked before the first read; when the last client that waits for it has gone, the transfer is
   * given up.
   */
  body(blob: WantedBlob, signal: AbortSignal): ReadableStream<Uint8Array> {
    const chunks = this.#read(blob, signal);
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await chunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => void (await chunks.return(undefined)),
      },
      { highWaterMark: 0 },
    );
  }

  async *#read(blob: WantedBlob, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const key = `${blob.repository}@${blob.digest}`;
    const fetching = this.#running.get(key) ?? this.#start(blob);
    this.#running.set(key, fetching);
    fetching.readers += 1;
    try {
      yield* (await fetching.file).read(signal);
    } finally {
      fetching.readers -= 1;
      // Whoever comes now finds the blob stored, or begins anew.
      if (fetching.readers === 0) await this.#end(key, fetching);
    }
  }

  #start(blob: WantedBlob): Fetching {
    const path = join(this.#options.folder, this.#options.newId());
    const fetching = { path, file: GrowingFile.create(path, blob.size), abort: new AbortController(), readers: 0 };
    void this.#run(blob, fetching);
    return fetching;
  }

  async #end(key: string, { path, abort }: Fetching): Promise<void> {
    this.#running.delete(key);
    abort.abort(new EngineError("canceled", `fetch blob "${key}": nobody waits for it any more`));
    await rm(path, { force: true }).catch(this.#options.report);
  }

  /** Never fails: readers are told. */
  async #run(blob: WantedBlob, fetching: Fetching): Promise<void> {
    const { routes, store, report } = this.#options;
    const { signal } = fetching.abort;
    try {
      const file = await fetching.file;
      try {
        const found = routeFor(routes, blob.repository);
        assert(found, `no route for repository "${blob.repository}"`);
        await store(blob, copied(found.route.source.blob(found.name, blob, signal), file));
        await file.finish();
      } catch (error) {
        await file.finish(error);
        throw error;
      }
    } catch (error) {
      if (!signal.aborted) report(error);
    }
  }
}

async function* copied(source: AsyncIterable<Uint8Array>, file: GrowingFile): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    await file.append(chunk);
    yield chunk;
  }
}
