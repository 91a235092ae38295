import type { ContentStore } from "#core/content";
import type { LocalImages } from "#core/images";
import type { Snapshotter } from "#core/snapshots";

export interface CollectorOptions {
  readonly content: Pick<ContentStore, "list" | "collect">;
  readonly images: Pick<LocalImages, "forgetRemoved" | "usesBlob" | "usedChains">;
  readonly snapshotter: Pick<Snapshotter, "retainChains">;
  /** Runs work that nobody awaits. */
  readonly run: (name: string, work: Promise<void>) => void;
}

/**
 * Removes garbage whenever somebody says that there may be some. Requests during a collection make one more follow it, so that
 * what became garbage meanwhile goes too, and no two run at once.
 */
export class Collector {
  readonly #options: CollectorOptions;
  #running = false;
  #again = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  request(): void {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    this.#options.run("garbage collection", this.#collectAll());
  }

  async #collectAll(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#collect();
      }
    } finally {
      this.#running = false;
    }
  }

  /** Records first, then what they held: each layer is asked for again at the moment of its removal. */
  async #collect(): Promise<void> {
    const { content, images, snapshotter } = this.#options;
    images.forgetRemoved();
    await snapshotter.retainChains(images.usedChains());
    for (const digest of await content.list()) await content.collect(digest, () => images.usesBlob(digest));
  }
}
