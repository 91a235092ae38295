import type { ContentStore } from "#core/content";
import { KeyedLock } from "#lib/async";
import type { Owner } from "./_active.ts";
import { browseLayers } from "./_inode-files.ts";
import { buildLayerTree, hexOf, sizeOfTree } from "./_layers.ts";
import { chainIDOf } from "./chain.ts";
import type { Chain, Driver } from "./driver.ts";
import type { FileTree } from "./file-tree.ts";
import type { ChainID, DiffID, PreparedPart, RootMounts, Scratch, SnapshotDiff, Snapshotter } from "./snapshot.ts";

/** Opens a driver and makes a snapshotter of it. */
export async function openSnapshotter(driver: Driver, content: ContentStore): Promise<Snapshotter> {
  await driver.active.open();
  await driver.open();
  return new DriverSnapshotter(driver, content);
}

/** What all drivers have in common: names of chains, preparing each once, active snapshots, sizes that were found out. */
class DriverSnapshotter implements Snapshotter {
  readonly name: string;
  readonly #driver: Driver;
  readonly #content: ContentStore;
  readonly #preparing = new KeyedLock();
  readonly #sizes = new Map<ChainID, number>();

  constructor(driver: Driver, content: ContentStore) {
    this.name = driver.name;
    this.#driver = driver;
    this.#content = content;
  }

  async prepareChain(layers: readonly DiffID[]): Promise<ChainID> {
    return (await this.#prepared(layers)).id;
  }

  async preparedParts(layers: readonly DiffID[]): Promise<readonly PreparedPart[]> {
    return await this.#driver.parts(chainOf(layers));
  }

  async retainChains(used: ReadonlySet<ChainID>): Promise<void> {
    const kept = new Set([...used].map(hexOf));
    for (const key of await this.list()) kept.add((await this.#driver.active.get(key)).hex);
    await this.#driver.retain(kept);
  }

  async create(key: string, layers: readonly DiffID[], options: { owner?: Owner } = {}): Promise<void> {
    const chain = await this.#prepared(layers);
    const fill = (upper: string) => this.#driver.fill?.(chain, upper) ?? Promise.resolve();
    await this.#driver.active.create(key, chain.id, { ...options, fill });
  }

  async mounts(key: string): Promise<RootMounts> {
    return await this.#driver.mounts(await this.#driver.active.get(key));
  }

  async look(key: string, scratch: Scratch): Promise<RootMounts> {
    return await this.#driver.look(await this.#driver.active.get(key), scratch);
  }

  async diff(key: string): Promise<SnapshotDiff> {
    return await this.#driver.diff(await this.#driver.active.get(key));
  }

  async readFile(key: string, path: string, limitBytes: number): Promise<Uint8Array | undefined> {
    return await this.#driver.readFile(await this.#driver.active.get(key), { path, limitBytes });
  }

  async view(layers: readonly DiffID[]): Promise<RootMounts> {
    return await this.#driver.view(await this.#prepared(layers));
  }

  async browse(layers: readonly DiffID[]): Promise<FileTree> {
    const { index } = this.#driver;
    return index ? await index.browse(await this.#prepared(layers)) : await browseLayers(this.#content, layers);
  }

  async chainSize(layers: readonly DiffID[]): Promise<number> {
    const id = chainIDOf(layers);
    const size = this.#sizes.get(id) ?? (await this.#measure(layers));
    this.#sizes.set(id, size);
    return size;
  }

  async usage(key: string): Promise<number> {
    return await this.#driver.active.usage(key);
  }

  async remove(key: string): Promise<void> {
    await this.#driver.active.remove(key);
  }

  async list(): Promise<string[]> {
    return await this.#driver.active.list();
  }

  async #measure(layers: readonly DiffID[]): Promise<number> {
    const { index } = this.#driver;
    if (index) return await index.size(await this.#prepared(layers));
    return sizeOfTree((await buildLayerTree(this.#content, layers)).root);
  }

  async #prepared(layers: readonly DiffID[]): Promise<Chain> {
    const chain = chainOf(layers);
    await this.#preparing.run(chain.id, () => this.#driver.prepare(chain));
    return chain;
  }
}

function chainOf(layers: readonly DiffID[]): Chain {
  const id = chainIDOf(layers);
  return { id, hex: hexOf(id), layers };
}
