import type { Digest } from "#api/oci";
import type { ContentStore } from "#core/content";
import type { ChainID, Snapshotter } from "#core/snapshots";
import type { Background } from "#lib/async";

/** Somebody whose records keep blobs and chains alive: images, a build cache. Both are asked at the last moment. */
export interface GarbageRoot {
  usesBlob(digest: Digest): boolean;
  usedChains(): ReadonlySet<ChainID>;
  /** Drops records that nobody needs any more; called before the others. */
  forgetRemoved(): void;
}

export interface GarbageOptions {
  readonly content: ContentStore;
  readonly snapshots: Pick<Snapshotter, "retainChains">;
  readonly roots: () => readonly GarbageRoot[];
  readonly background: Background;
}

/**
 * Removes what no record refers to: blobs of removed images, what an interrupted load left, indexes of chains.
 *
 * 1. Records come after their data and go before it, so data without a record is garbage unless it is leased.
 * 2. One collection at a time. Who asks during one gets another after it.
 * 3. A failed or interrupted collection only leaves garbage for the next.
 */
export interface GarbageCollector {
  /** Collects soon, in the background; many requests at once are one. */
  request(): void;
  /** Collects now; returns the bytes that were freed. */
  collect(): Promise<number>;
}

export function createGarbageCollector(options: GarbageOptions): GarbageCollector {
  let last: Promise<unknown> = Promise.resolve();
  let isRequested = false;
  const collect = () => {
    const next = last.then(() => collectOnce(options));
    last = next.catch(() => undefined);
    return next;
  };
  return {
    collect,
    request() {
      if (isRequested) return;
      isRequested = true;
      const before = last;
      options.background.run(
        "collect garbage",
        before.then(() => {
          isRequested = false;
          return collect();
        }),
      );
    },
  };
}

async function collectOnce({ content, snapshots, roots }: GarbageOptions): Promise<number> {
  for (const root of roots()) root.forgetRemoved();
  await snapshots.retainChains(new Set(roots().flatMap((root) => [...root.usedChains()])));
  let freedBytes = 0;
  for (const digest of await content.list()) {
    const isUsed = () => roots().some((root) => root.usesBlob(digest));
    // Most are used, and asking costs less than locking.
    if (isUsed()) continue;
    const bytes = await content.size(digest).catch(() => 0);
    if (await content.collect(digest, isUsed)) freedBytes += bytes;
  }
  return freedBytes;
}
