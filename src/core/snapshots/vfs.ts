import { join } from "node:path";
import { type ActiveSnapshot, ActiveSnapshots } from "./_active.ts";
import { extractTree } from "./_extract.ts";
import { buildLayerTree } from "./_layers.ts";
import { PreparedTrees } from "./_prepared.ts";
import { readInRoot } from "./_read-merged.ts";
import { openSnapshotter } from "./_snapshotter.ts";
import { bindView, type Chain, type Driver, type DriverOptions, type WantedFile } from "./driver.ts";
import type { PreparedPart, RootMounts, SnapshotDiff, Snapshotter } from "./snapshot.ts";

/**
 * The driver that works anywhere: a chain is a full copy of its merged layers, and so is each snapshot, extracted from
 * the tars again. It needs no overlayfs, only space and time.
 *
 *     ROOT/chains/HEX/tree   the merged layers
 *     ROOT/snapshots/…       see `_active.ts`; `upper` is the whole root
 */
export async function createVfsSnapshotter(options: DriverOptions): Promise<Snapshotter> {
  return await openSnapshotter(new VfsDriver(options), options.content);
}

class VfsDriver implements Driver {
  readonly name = "vfs";
  readonly active: ActiveSnapshots;
  readonly #options: DriverOptions;
  readonly #chains: PreparedTrees;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.active = new ActiveSnapshots(options);
    this.#chains = new PreparedTrees(join(options.root, "chains"), this.active);
  }

  async open(): Promise<void> {
    await this.#chains.open();
  }

  async prepare(chain: Chain): Promise<void> {
    if (await this.#chains.has(chain.hex)) return;
    await this.#chains.add(chain.hex, (folder) => this.fill(chain, join(folder, "tree")));
  }

  async parts({ id }: Chain): Promise<readonly PreparedPart[]> {
    return await this.#chains.part(id);
  }

  async retain(used: ReadonlySet<string>): Promise<void> {
    await this.#chains.retain(used);
  }

  async fill({ layers }: Chain, target: string): Promise<void> {
    const { content, executor } = this.#options;
    const { root } = await buildLayerTree(content, layers);
    await extractTree(executor, root, { target, sources: layers.map((diffID) => content.path(diffID)) });
  }

  async mounts({ upper, root }: ActiveSnapshot): Promise<RootMounts> {
    return { shared: [], own: [{ type: "bind", source: upper, target: root, options: ["rw"] }], path: root };
  }

  async look(snapshot: ActiveSnapshot): Promise<RootMounts> {
    return await this.mounts(snapshot);
  }

  async diff({ hex, upper }: ActiveSnapshot): Promise<SnapshotDiff> {
    return { path: upper, whole: true, below: this.#view(hex) };
  }

  async readFile({ upper }: ActiveSnapshot, file: WantedFile): Promise<Uint8Array | undefined> {
    return await readInRoot(this.#options.executor, { root: upper, ...file });
  }

  async view({ hex }: Chain): Promise<RootMounts> {
    return this.#view(hex);
  }

  #view(hex: string): RootMounts {
    return bindView(this.#chains.tree(hex), this.#chains.mountPoint(hex));
  }
}
