import { readlink, symlink } from "node:fs/promises";
import { join } from "node:path";
import { KeyedLock } from "#lib/async";
import { EngineError } from "#lib/errors";
import { fileError, isAbsent } from "#lib/fs";
import { ActiveSnapshots, type Owner } from "./_active.ts";
import { extractTree } from "./_extract.ts";
import { browseLayers } from "./_inode-files.ts";
import { buildLayerTree, hexOf, sizeOfTree } from "./_layers.ts";
import { PreparedTrees } from "./_prepared.ts";
import { readMerged } from "./_read-merged.ts";
import { chainIDOf } from "./chain.ts";
import { bindView, type DriverOptions, overlayMount } from "./driver.ts";
import type { FileTree } from "./file-tree.ts";
import type { ChainID, DiffID, PreparedPart, RootMounts, Scratch, SnapshotDiff, Snapshotter } from "./snapshot.ts";

/**
 * The fallback where the kernel cannot mount EROFS from files: each layer is extracted once into a directory, and a
 * snapshot is overlayfs over the directories.
 *
 *     ROOT/layers/HEX/tree    what the topmost layer of a chain adds, with overlayfs's marks for what it removes
 *     ROOT/layers/HEX/below   a symlink that holds the hex of the chain below; absent for the empty chain
 *     ROOT/snapshots/…        see `_active.ts`
 */
export async function createOverlaySnapshotter(options: DriverOptions): Promise<Snapshotter> {
  const snapshotter = new OverlaySnapshotter(options);
  await snapshotter.open();
  return snapshotter;
}

/** The chain of no layers: an empty directory at the bottom of every stack. */
const EMPTY = hexOf(chainIDOf([]));

class OverlaySnapshotter implements Snapshotter {
  readonly name = "overlay";
  readonly #options: DriverOptions;
  readonly #active: ActiveSnapshots;
  readonly #layers: PreparedTrees;
  readonly #preparing = new KeyedLock();
  readonly #sizes = new Map<ChainID, number>();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#active = new ActiveSnapshots(options);
    this.#layers = new PreparedTrees(join(options.root, "layers"), this.#active);
  }

  async open(): Promise<void> {
    await this.#active.open();
    await this.#layers.open();
    if (!(await this.#layers.has(EMPTY))) await this.#layers.add(EMPTY, async () => {});
  }

  /** One at a time: chains share their lower layers. */
  async prepareChain(chain: readonly DiffID[]): Promise<ChainID> {
    const chainID = chainIDOf(chain);
    await this.#preparing.run("", async () => {
      if (await this.#layers.has(hexOf(chainID))) return;
      await buildLayerTree(this.#options.content, chain, async (tree, layer) => {
        const hex = hexOf(chainIDOf(chain.slice(0, layer + 1)));
        if (await this.#layers.has(hex)) return;
        await this.#layers.add(hex, async (folder) => {
          await symlink(hexOf(chainIDOf(chain.slice(0, layer))), join(folder, "below"));
          await extractTree(this.#options.executor, tree.layerDiff(), {
            target: join(folder, "tree"),
            sources: chain.map((diffID) => this.#options.content.path(diffID)),
          });
        });
      });
    });
    return chainID;
  }

  async preparedParts(chain: readonly DiffID[]): Promise<readonly PreparedPart[]> {
    const stack = chain.map((_, layer) => chainIDOf(chain.slice(0, layer + 1)));
    return (await Promise.all(stack.map((key) => this.#layers.part(key)))).flat();
  }

  async retainChains(used: ReadonlySet<ChainID>): Promise<void> {
    const starts = [EMPTY, ...[...used].map(hexOf)];
    for (const key of await this.#active.list()) starts.push(await this.#active.chainHex(key));
    const kept = new Set<string>();
    for (const start of starts)
      if (await this.#layers.has(start)) for (const hex of await this.#stack(start)) kept.add(hex);
    await this.#layers.retain(kept);
  }

  async create(key: string, chain: readonly DiffID[], options: { owner?: Owner } = {}): Promise<void> {
    await this.#active.create(key, await this.prepareChain(chain), options);
  }

  async mounts(key: string): Promise<RootMounts> {
    const lower = await this.#lowerTrees(await this.#active.chainHex(key));
    const { upper, work, root } = this.#active.folders(key);
    return { shared: [], own: [overlayMount(root, { lower, upper, work })], path: root };
  }

  async look(key: string, scratch: Scratch): Promise<RootMounts> {
    const { upper, root } = this.#active.folders(key);
    const lower = [upper, ...(await this.#lowerTrees(await this.#active.chainHex(key)))];
    return { shared: [], own: [overlayMount(root, { lower, ...scratch })], path: root };
  }

  async diff(key: string): Promise<SnapshotDiff> {
    const below = await this.#view(await this.#active.chainHex(key));
    return { path: this.#active.folders(key).upper, whole: false, below };
  }

  async view(chain: readonly DiffID[]): Promise<RootMounts> {
    return await this.#view(hexOf(await this.prepareChain(chain)));
  }

  async browse(chain: readonly DiffID[]): Promise<FileTree> {
    return await browseLayers(this.#options.content, chain);
  }

  async readFile(key: string, path: string, limitBytes: number): Promise<Uint8Array | undefined> {
    const { upper, root } = this.#active.folders(key);
    const lower = [upper, ...(await this.#lowerTrees(await this.#active.chainHex(key)))];
    return await readMerged(this.#options.executor, { lower, root, path, limitBytes });
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

  async #view(hex: string): Promise<RootMounts> {
    const target = this.#layers.mountPoint(hex);
    const empty = this.#layers.tree(EMPTY);
    if (hex === EMPTY) return bindView(empty, target);
    // Overlayfs without an upper directory wants two lower ones; the empty chain's is always there to be added.
    const options = [...(await this.#lowerTrees(hex)), empty].map((path) => `lowerdir=${path}`);
    return { shared: [], own: [{ type: "overlay", source: "overlay", target, options }], path: target };
  }

  /** The trees of a chain, topmost first. The empty one counts only where there is no other. */
  async #lowerTrees(hex: string): Promise<string[]> {
    const stack = await this.#stack(hex);
    return (stack.length > 1 ? stack.slice(0, -1) : stack).map((each) => this.#layers.tree(each));
  }

  /** The chains from one down to the empty one, topmost first. @throws `not-found` when one is missing */
  async #stack(hex: string): Promise<string[]> {
    const stack = [hex];
    for (let last = hex; last !== EMPTY; stack.push(last)) last = await this.#below(last);
    return stack;
  }

  async #below(hex: string): Promise<string> {
    try {
      return await readlink(join(this.#layers.folder(hex), "below"));
    } catch (error) {
      throw isAbsent(error) ? new EngineError("not-found", `no such layer: "${hex}"`) : fileError("read layer", error);
    }
  }
}
