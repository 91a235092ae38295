import { messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import type { PullThrough, Registry } from "#registry";

export interface UpkeepOptions {
  readonly registry: Pick<Registry, "collect" | "retain">;
  readonly cache: { readonly proxy: Pick<PullThrough, "evict">; readonly limitBytes: number } | undefined;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What upkeep has done since the start. */
export interface UpkeepCounts {
  readonly runs: number;
  readonly failures: number;
  readonly removedBlobs: number;
  readonly removedBytes: number;
  readonly removedManifests: number;
  readonly removedTags: number;
  readonly evictedManifests: number;
  readonly lastSeconds: number;
}

/**
 * What a registry does by itself from time to time: forgets what a cache has no room for and what retention does not keep, then collects
 * what nothing refers to. One pass at a time.
 */
export class Upkeep implements AsyncDisposable {
  readonly #options: UpkeepOptions;
  #counts = {
    runs: 0,
    failures: 0,
    removedBlobs: 0,
    removedBytes: 0,
    removedManifests: 0,
    removedTags: 0,
    evictedManifests: 0,
    lastSeconds: 0,
  };
  #running: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  get counts(): UpkeepCounts {
    return this.#counts;
  }

  /** Makes a first pass, which also takes what a crash left, and goes on from there. */
  start(): void {
    void this.run({ sweep: true });
  }

  /** A pass now, or the end of the one that runs. Never fails: the log tells. */
  run(options: { readonly sweep?: boolean } = {}): Promise<void> {
    this.#running ??= this.#pass(options).finally(() => {
      this.#running = undefined;
      this.#cancel?.();
      if (!this.#isClosed) this.#cancel = this.#options.clock.after(this.#options.everyMs, () => void this.run());
    });
    return this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#running;
  }

  async #pass({ sweep = false }: { readonly sweep?: boolean }): Promise<void> {
    const { registry, cache, clock, log } = this.#options;
    const counts = this.#counts;
    const startedNano = clock.nowNano();
    counts.runs += 1;
    try {
      const evicted = cache === undefined ? 0 : await cache.proxy.evict(cache.limitBytes);
      const { tags } = await registry.retain();
      const removed = await registry.collect({ sweep });
      counts.evictedManifests += evicted;
      counts.removedTags += tags.length;
      counts.removedManifests += removed.manifests;
      counts.removedBlobs += removed.blobs;
      counts.removedBytes += removed.bytes;
      const fields = {
        evicted,
        tags: tags.length,
        manifests: removed.manifests,
        blobs: removed.blobs,
        bytes: removed.bytes,
      };
      const isIdle = Object.values(fields).every((count) => count === 0);
      log[isIdle ? "debug" : "info"]("registry collected garbage", fields);
    } catch (error) {
      counts.failures += 1;
      log.error("registry could not collect garbage", { error: messageOf(error) });
    }
    counts.lastSeconds = Number(clock.nowNano() - startedNano) / 1e9;
  }
}
