import { readlink, symlink } from "node:fs/promises";
import { join } from "node:path";
import { KeyedLock } from "#lib/async";
import { EngineError } from "#lib/errors";
import { fileError, isAbsent } from "#lib/fs";
import { type ActiveSnapshot, ActiveSnapshots } from "./_active.ts";
import { extractTree } from "./_extract.ts";
import { buildLayerTree, hexOf } from "./_layers.ts";
import { PreparedTrees } from "./_prepared.ts";
import { readMerged } from "./_read-merged.ts";
import { openSnapshotter } from "./_snapshotter.ts";
import { chainIDOf } from "./chain.ts";
import { bindView, type Chain, type Driver, type DriverOptions, overlayMount, type WantedFile } from "./driver.ts";
import type { PreparedPart, RootMounts, Scratch, SnapshotDiff, Snapshotter } from "./snapshot.ts";

/**
 * The fallback where the kernel cannot mount EROFS from files: each layer is extracted once into a directory, and a
 * snapshot is overlayfs over the directories.
 *
 *     ROOT/layers/HEX/tree    what the topmost layer of a chain adds, with overlayfs's marks for what it removes
 *     ROOT/layers/HEX/below   a symlink that holds the hex of the chain below; absent for the empty chain
 *     ROOT/snapshots/…        see `_active.ts`
 */
export async function createOverlaySnapshotter(options: DriverOptions): Promise<Snapshotter> {
  return await openSnapshotter(new OverlayDriver(options), options.content);
}

/** The chain of no layers: an empty directory at the bottom of every stack. */
const EMPTY = hexOf(chainIDOf([]));

class OverlayDriver implements Driver {
  readonly name = "overlay";
  readonly active: ActiveSnapshots;
  readonly #options: DriverOptions;
  readonly #layers: PreparedTrees;
  readonly #preparing = new KeyedLock();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.active = new ActiveSnapshots(options);
    this.#layers = new PreparedTrees(join(options.root, "layers"), this.active);
  }

  async open(): Promise<void> {
    await this.#layers.open();
    if (!(await this.#layers.has(EMPTY))) await this.#layers.add(EMPTY, async () => {});
  }

  /** One at a time: chains share their lower layers. */
  async prepare({ hex, layers }: Chain): Promise<void> {
    await this.#preparing.run("", async () => {
      if (await this.#layers.has(hex)) return;
      await buildLayerTree(this.#options.content, layers, async (tree, layer) => {
        const upTo = hexOf(chainIDOf(layers.slice(0, layer + 1)));
        if (await this.#layers.has(upTo)) return;
        await this.#layers.add(upTo, async (folder) => {
          await symlink(hexOf(chainIDOf(layers.slice(0, layer))), join(folder, "below"));
          await extractTree(this.#options.executor, tree.layerDiff(), {
            target: join(folder, "tree"),
            sources: layers.map((diffID) => this.#options.content.path(diffID)),
          });
        });
      });
    });
  }

  async parts({ layers }: Chain): Promise<readonly PreparedPart[]> {
    const stack = layers.map((_, layer) => chainIDOf(layers.slice(0, layer + 1)));
    return (await Promise.all(stack.map((id) => this.#layers.part(id)))).flat();
  }

  async retain(used: ReadonlySet<string>): Promise<void> {
    const kept = new Set<string>();
    for (const start of [EMPTY, ...used])
      if (await this.#layers.has(start)) for (const hex of await this.#stack(start)) kept.add(hex);
    await this.#layers.retain(kept);
  }

  async mounts({ hex, upper, work, root }: ActiveSnapshot): Promise<RootMounts> {
    const lower = await this.#lowerTrees(hex);
    return { shared: [], own: [overlayMount(root, { lower, upper, work })], path: root };
  }

  async look({ hex, upper, root }: ActiveSnapshot, scratch: Scratch): Promise<RootMounts> {
    const lower = [upper, ...(await this.#lowerTrees(hex))];
    return { shared: [], own: [overlayMount(root, { lower, ...scratch })], path: root };
  }

  async diff({ hex, upper }: ActiveSnapshot): Promise<SnapshotDiff> {
    return { path: upper, whole: false, below: await this.#view(hex) };
  }

  async readFile({ hex, upper, root }: ActiveSnapshot, file: WantedFile): Promise<Uint8Array | undefined> {
    const lower = [upper, ...(await this.#lowerTrees(hex))];
    return await readMerged(this.#options.executor, { lower, root, ...file });
  }

  async view({ hex }: Chain): Promise<RootMounts> {
    return await this.#view(hex);
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
