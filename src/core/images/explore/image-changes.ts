import type { ContentStore } from "#core/content";
import { type ChainID, chainIDOf, type DiffID } from "#core/snapshots";
import { SharedWork } from "#lib/async";
import type { ByteString } from "#lib/fs";
import { type ChainChanges, type Change, readChanges } from "./changes.ts";

/** What the layers of an image changed, and what came of it. */
export class ImageChanges {
  readonly layers: readonly (readonly Change[])[];
  readonly wastedBytes: readonly number[];
  #layerByPath: Map<ByteString, number> | undefined;

  constructor({ layers, wastedBytes }: ChainChanges) {
    this.layers = layers;
    this.wastedBytes = wastedBytes;
  }

  /** The last change of every path that is there in the end. The root is not among them unless a layer changed it. */
  *visible(): Generator<Change, void> {
    for (const changes of this.layers) for (const change of changes) if (change.isVisible) yield change;
  }

  /** The layer that last changed a path of the whole image, from the bottom, 0 the first. */
  layerOf(path: ByteString): number {
    this.#layerByPath ??= new Map([...this.visible()].map(({ path: visible, layer }) => [visible, layer]));
    return this.#layerByPath.get(path) ?? 0;
  }

  get count(): number {
    return this.layers.reduce((sum, changes) => sum + changes.length, 0);
  }
}

/** Of all images that are remembered: about 20 MB. Larger ones are read anew each time. */
const MAX_REMEMBERED = 1 << 16;

/** Remembers what was read last, and shares what is being read. */
export class ChangesReader {
  readonly #content: ContentStore;
  /** Least recently used first. */
  readonly #remembered = new Map<ChainID, ImageChanges>();
  readonly #reading = new SharedWork<ImageChanges, never>();

  constructor(content: ContentStore) {
    this.#content = content;
  }

  /** @throws EngineError as `readChanges` does */
  async read(chain: readonly DiffID[], signal: AbortSignal): Promise<ImageChanges> {
    const id = chainIDOf(chain);
    const known = this.#remembered.get(id);
    const read = async (aborted: AbortSignal) =>
      new ImageChanges(await readChanges(this.#content, chain, { signal: aborted }));
    const changes =
      known ?? (await this.#reading.run(id, (_, aborted) => read(aborted), { signal, report: () => undefined }));
    this.#remember(id, changes);
    return changes;
  }

  #remember(id: ChainID, changes: ImageChanges): void {
    this.#remembered.delete(id);
    this.#remembered.set(id, changes);
    let total = [...this.#remembered.values()].reduce((sum, each) => sum + each.count, 0);
    for (const [oldest, { count }] of this.#remembered) {
      if (total <= MAX_REMEMBERED) break;
      this.#remembered.delete(oldest);
      total -= count;
    }
  }
}
