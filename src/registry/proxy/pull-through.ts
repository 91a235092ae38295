import { type Descriptor, type Digest, isDigest, type Manifest, parseDigest } from "#api/oci";
import { isKind, messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import type { RegistryContent, Upstream } from "../registry.ts";
import type { BlobFetches } from "./blob-fetches.ts";
import type { CachedManifest, CacheRecords } from "./cache-records.ts";
import { routeFor, type UpstreamManifest, type UpstreamRoute } from "./source.ts";

export interface PullThroughOptions {
  readonly routes: readonly UpstreamRoute[];
  /** Of the registry that this cache is part of, and which is made after it. */
  content(): RegistryContent;
  readonly records: CacheRecords;
  readonly fetches: BlobFetches;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How requests for manifests and blobs were answered. */
export interface CacheCounts {
  /** Without asking. */
  hits: number;
  /** After asking whether what is here is current, which it was. */
  revalidated: number;
  misses: number;
  /** With what is here, since the registry behind us could not be asked. */
  stale: number;
  /** Not at all. */
  failed: number;
}

export interface PullThrough extends Upstream {
  readonly counts: Readonly<CacheCounts>;
  /** Forgets what nobody has used for longest until the rest is at most `limitBytes`; how many manifests. */
  evict(limitBytes: number): Promise<number>;
}

type Found = NonNullable<Awaited<ReturnType<Upstream["manifest"]>>>;

interface Wanted {
  readonly repository: string;
  readonly reference: string;
}

/** The cache in front of other registries. What has a digest is right for ever; a tag is asked for again when its time is over. */
export function createPullThrough(options: PullThroughOptions): PullThrough {
  return new ContentCache(options);
}

class ContentCache implements PullThrough {
  readonly counts: CacheCounts = { hits: 0, revalidated: 0, misses: 0, stale: 0, failed: 0 };
  readonly #options: PullThroughOptions;
  /** Questions under way: many clients that ask for one tag are one question. */
  readonly #asking = new Map<string, Promise<Found | undefined>>();

  constructor(options: PullThroughOptions) {
    this.#options = options;
  }

  covers(repository: string): boolean {
    return routeFor(this.#options.routes, repository) !== undefined;
  }

  async manifest(repository: string, reference: string, signal: AbortSignal): Promise<Found | undefined> {
    const here = this.#current(repository, reference);
    if (here !== undefined) {
      this.counts.hits += 1;
      this.#options.records.used({ repository, digest: here }, this.#nowMs());
      return { digest: here };
    }
    return await untilAborted(this.#asked({ repository, reference }), signal);
  }

  async blob(repository: string, digest: Digest, signal: AbortSignal) {
    const size = this.#options.records.blobSize(repository, digest);
    // A blob that no manifest from there refers to is not fetched: its size is unknown, and nobody needs it.
    if (size === undefined) return undefined;
    this.counts.misses += 1;
    return { size, body: this.#options.fetches.body({ repository, digest, size }, signal) };
  }

  async evict(limitBytes: number): Promise<number> {
    const { records } = this.#options;
    let evicted = 0;
    while (records.totalBytes() > limitBytes) {
      const oldest = records.leastUsed();
      if (oldest === undefined) break;
      await this.#options.content().removeManifest(oldest.repository, oldest.digest);
      records.removed(oldest);
      evicted += 1;
    }
    return evicted;
  }

  /** What need not be asked for: anything by digest, a tag within its time. */
  #current(repository: string, reference: string): Digest | undefined {
    const stored = this.#stored({ repository, reference });
    if (stored === undefined || isDigest(reference)) return stored;
    const checkedAt = this.#options.records.checkedAt(repository, reference);
    const ttlMs = routeFor(this.#options.routes, repository)?.route.ttlMs ?? 0;
    const age = this.#nowMs() - (checkedAt ?? 0);
    return checkedAt !== undefined && age >= 0 && age < ttlMs ? stored : undefined;
  }

  #stored({ repository, reference }: Wanted): Digest | undefined {
    const content = this.#options.content();
    const digest = isDigest(reference) ? reference : content.findTag(repository, reference);
    return digest !== undefined && content.hasManifest(repository, digest) ? digest : undefined;
  }

  /** For everybody who waits for it, so no client's hanging up ends it. */
  #asked(wanted: Wanted): Promise<Found | undefined> {
    const key = `${wanted.repository} ${wanted.reference}`;
    const before = this.#asking.get(key);
    if (before !== undefined) return before;
    const asking = this.#ask(wanted).finally(() => this.#asking.delete(key));
    asking.catch(() => undefined); // told to those who still wait
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(wanted: Wanted): Promise<Found | undefined> {
    try {
      const digest = await this.#refresh(wanted, new AbortController().signal);
      return digest && { digest };
    } catch (error) {
      const stored = this.#stored(wanted);
      const fields = { repository: wanted.repository, reference: wanted.reference, error: messageOf(error) };
      if (stored === undefined || !isKind(error, "unavailable")) {
        this.counts.failed += 1;
        throw error;
      }
      this.counts.stale += 1;
      this.#options.log.warn("upstream cannot be asked: what is cached is served, which may be old", fields);
      return { digest: stored, isStale: true };
    }
  }

  async #refresh(wanted: Wanted, signal: AbortSignal): Promise<Digest | undefined> {
    const { repository, reference } = wanted;
    const found = routeFor(this.#options.routes, repository);
    if (found === undefined) return undefined;
    const { route, name } = found;
    const digest = await route.source.resolve(name, reference, signal);
    if (digest === undefined) return undefined;
    const tag = isDigest(reference) ? undefined : reference;
    if (this.#stored(wanted) === digest) this.counts.revalidated += 1;
    else {
      const manifest = await route.source.manifest(name, digest, signal);
      if (manifest === undefined) return undefined;
      await this.#store({ repository, digest }, manifest, tag);
      this.counts.misses += 1;
    }
    if (tag !== undefined) this.#options.records.checked(repository, tag, this.#nowMs());
    return digest;
  }

  async #store(where: CachedManifest, { bytes, mediaType }: UpstreamManifest, tag: string | undefined): Promise<void> {
    const { repository, digest } = where;
    await this.#options
      .content()
      .putManifest(repository, { bytes, mediaType, digest, ...(tag === undefined ? {} : { tag }) });
    this.#options.records.added(where, { size: bytes.byteLength, blobs: blobsOf(bytes) }, this.#nowMs());
  }

  #nowMs(): number {
    return Number(this.#options.clock.nowNano() / 1_000_000n);
  }
}

/** Config and layers of a manifest; an index has none. The bytes have been checked to be a manifest. */
function blobsOf(bytes: Uint8Array): { digest: Digest; size: number }[] {
  const { config, layers = [] } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Manifest>;
  const blobs: Descriptor[] = config === undefined ? [...layers] : [config, ...layers];
  return blobs.map(({ digest, size }) => ({ digest: parseDigest(digest), size }));
}

/** The result of work that goes on, or the end of somebody's patience. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
