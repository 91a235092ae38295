import { join } from "node:path";
import { KeyedLock } from "#lib/async";
import { ActiveSnapshots, type Owner } from "./_active.ts";
import { extractTree } from "./_extract.ts";
import { browseLayers } from "./_inode-files.ts";
import { buildLayerTree, hexOf, sizeOfTree } from "./_layers.ts";
import { PreparedTrees } from "./_prepared.ts";
import { readInRoot } from "./_read-merged.ts";
import { chainIDOf } from "./chain.ts";
import { bindView, type DriverOptions } from "./driver.ts";
import type { FileTree } from "./file-tree.ts";
import type { ChainID, DiffID, PreparedPart, RootMounts, SnapshotDiff, Snapshotter } from "./snapshot.ts";

/**
 * The driver that works anywhere: a chain is a full copy of its merged layers, and so is each snapshot, extracted from
 * the tars again. It needs no overlayfs, only space and time.
 *
 *     ROOT/chains/HEX/tree   the merged layers
 *     ROOT/snapshots/…       see `_active.ts`; `upper` is the whole root
 */
export async function createVfsSnapshotter(options: DriverOptions): Promise<Snapshotter> {
  const snapshotter = new VfsSnapshotter(options);
  await snapshotter.open();
  return snapshotter;
}

class VfsSnapshotter implements Snapshotter {
  readonly name = "vfs";
  readonly #options: DriverOptions;
  readonly #active: ActiveSnapshots;
  readonly #chains: PreparedTrees;
  readonly #preparing = new KeyedLock();
  readonly #sizes = new Map<ChainID, number>();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#active = new ActiveSnapshots(options);
    this.#chains = new PreparedTrees(join(options.root, "chains"), this.#active);
  }

  async open(): Promise<void> {
    await this.#active.open();
    await this.#chains.open();
  }

  async prepareChain(chain: readonly DiffID[]): Promise<ChainID> {
    const chainID = chainIDOf(chain);
    await this.#preparing.run(chainID, async () => {
      if (await this.#chains.has(hexOf(chainID))) return;
      await this.#chains.add(hexOf(chainID), (folder) => this.#extract(chain, join(folder, "tree")));
    });
    return chainID;
  }

  async preparedParts(chain: readonly DiffID[]): Promise<readonly PreparedPart[]> {
    return await this.#chains.part(chainIDOf(chain));
  }

  async retainChains(used: ReadonlySet<ChainID>): Promise<void> {
    await this.#chains.retain(new Set([...used].map(hexOf)));
  }

  async create(key: string, chain: readonly DiffID[], options: { owner?: Owner } = {}): Promise<void> {
    const fill = (upper: string) => this.#extract(chain, upper);
    await this.#active.create(key, chainIDOf(chain), { ...options, fill });
  }

  async mounts(key: string): Promise<RootMounts> {
    await this.#active.chainHex(key);
    const { upper, root } = this.#active.folders(key);
    return { shared: [], own: [{ type: "bind", source: upper, target: root, options: ["rw"] }], path: root };
  }

  async look(key: string): Promise<RootMounts> {
    return await this.mounts(key);
  }

  async diff(key: string): Promise<SnapshotDiff> {
    const hex = await this.#active.chainHex(key);
    const below = bindView(this.#chains.tree(hex), this.#chains.mountPoint(hex));
    return { path: this.#active.folders(key).upper, whole: true, below };
  }

  async view(chain: readonly DiffID[]): Promise<RootMounts> {
    const hex = hexOf(await this.prepareChain(chain));
    return bindView(this.#chains.tree(hex), this.#chains.mountPoint(hex));
  }

  async browse(chain: readonly DiffID[]): Promise<FileTree> {
    return await browseLayers(this.#options.content, chain);
  }

  async readFile(key: string, path: string, limitBytes: number): Promise<Uint8Array | undefined> {
    await this.#active.chainHex(key);
    return await readInRoot(this.#options.executor, { root: this.#active.folders(key).upper, path, limitBytes });
  }

  async usage(key: string): Promise<number> {
    return await this.#active.usage(key);
  }

  async chainSize(chain: readonly DiffID[]): Promise<number> {
    const chainID = chainIDOf(chain);
    const size = this.#sizes.get(chainID) ?? sizeOfTree((await buildLayerTree(this.#options.content, chain)).root);
    this.#sizes.set(chainID, size);
    return size;
  }

  async remove(key: string): Promise<void> {
    await this.#active.remove(key);
  }

  async list(): Promise<string[]> {
    return await this.#active.list();
  }

  async #extract(chain: readonly DiffID[], target: string): Promise<void> {
    const { content, executor } = this.#options;
    const { root } = await buildLayerTree(content, chain);
    await extractTree(executor, root, { target, sources: chain.map((diffID) => content.path(diffID)) });
  }
}
