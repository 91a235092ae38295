import { access, mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseDigest } from "#api/oci";
import { KeyedLock } from "#lib/async";
import { type ErofsImage, openErofs, readErofsTags } from "#lib/erofs";
import { byteString, fileError, fileSize, isAbsent, TEMPORARY_SUFFIX } from "#lib/fs";
import { ActiveSnapshots, type Owner } from "./_active.ts";
import { indexChainJob, measureImageJob } from "./_index-jobs.ts";
import { hexOf, layerFilesOf } from "./_layers.ts";
import { readMerged } from "./_read-merged.ts";
import { chainIDOf } from "./chain.ts";
import { type DriverOptions, overlayMount } from "./driver.ts";
import type { FileTree } from "./file-tree.ts";
import type {
  ChainID,
  DiffID,
  Mount,
  PreparedPart,
  RootMounts,
  Scratch,
  SnapshotDiff,
  Snapshotter,
} from "./snapshot.ts";

/**
 * The default driver: layers stay the tars they are. A chain is one EROFS image that holds the merged metadata of its
 * layers and points into their tars; a snapshot is overlayfs over it.
 *
 *     ROOT/chains/HEX.erofs   the image of a chain; its device tags are the diffIDs
 *     ROOT/snapshots/…        see `_active.ts`
 *     IMAGES/HEX              where it is mounted, once for all containers
 */
export async function createErofsSnapshotter(options: DriverOptions): Promise<Snapshotter> {
  const snapshotter = new ErofsSnapshotter(options);
  await snapshotter.open();
  return snapshotter;
}

class ErofsSnapshotter implements Snapshotter {
  readonly name = "erofs";
  readonly #chains: string;
  readonly #active: ActiveSnapshots;
  readonly #options: DriverOptions;
  readonly #preparing = new KeyedLock();
  /** Of images, by hex: their layers' hex, and their total size. */
  readonly #layers = new Map<string, readonly string[]>();
  readonly #sizes = new Map<ChainID, number>();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#chains = join(options.root, "chains");
    this.#active = new ActiveSnapshots(options);
  }

  async open(): Promise<void> {
    await mkdir(this.#chains, { recursive: true, mode: 0o700 });
    await mkdir(this.#options.imagesDir, { recursive: true, mode: 0o700 });
    await this.#active.open();
    for (const name of await readdir(this.#chains))
      if (name.endsWith(TEMPORARY_SUFFIX)) await rm(join(this.#chains, name), { force: true });
  }

  async prepareChain(chain: readonly DiffID[]): Promise<ChainID> {
    const chainID = chainIDOf(chain);
    const hex = hexOf(chainID);
    await this.#preparing.run(hex, async () => {
      if (await this.#isPrepared(hex)) return;
      const layers = await layerFilesOf(this.#options.content, chain);
      const input = { image: this.#image(hex), layers };
      this.#sizes.set(chainID, await this.#options.workers.run(indexChainJob, input));
    });
    return chainID;
  }

  async preparedParts(chain: readonly DiffID[]): Promise<readonly PreparedPart[]> {
    const key = chainIDOf(chain);
    const bytes = await fileSize(this.#image(hexOf(key)));
    return bytes === undefined ? [] : [{ key, bytes }];
  }

  async retainChains(used: ReadonlySet<ChainID>): Promise<void> {
    const kept = new Set([...used].map(hexOf));
    for (const key of await this.#active.list()) kept.add(await this.#active.chainHex(key));
    for (const name of await readdir(this.#chains)) {
      const hex = basename(name, SUFFIX);
      if (!name.endsWith(SUFFIX) || kept.has(hex)) continue;
      const target = join(this.#options.imagesDir, hex);
      await this.#options.executor.run([
        { op: "umount", path: target, detach: true },
        { op: "remove", path: target, retryMs: 0 },
      ]);
      await rm(join(this.#chains, name), { force: true });
      this.#layers.delete(hex);
    }
  }

  async create(key: string, chain: readonly DiffID[], options: { owner?: Owner } = {}): Promise<void> {
    await this.#active.create(key, await this.prepareChain(chain), options);
  }

  async mounts(key: string): Promise<RootMounts> {
    const image = await this.#imageMount(await this.#active.chainHex(key));
    const { upper, work, root } = this.#active.folders(key);
    return { shared: [image], own: [overlayMount(root, { lower: [image.target], upper, work })], path: root };
  }

  async look(key: string, scratch: Scratch): Promise<RootMounts> {
    const image = await this.#imageMount(await this.#active.chainHex(key));
    const { upper, root } = this.#active.folders(key);
    return { shared: [image], own: [overlayMount(root, { lower: [upper, image.target], ...scratch })], path: root };
  }

  async diff(key: string): Promise<SnapshotDiff> {
    const image = await this.#imageMount(await this.#active.chainHex(key));
    const below = { shared: [image], own: [], path: image.target };
    return { path: this.#active.folders(key).upper, whole: false, below };
  }

  async view(chain: readonly DiffID[]): Promise<RootMounts> {
    const image = await this.#imageMount(hexOf(await this.prepareChain(chain)));
    return { shared: [image], own: [], path: image.target };
  }

  async browse(chain: readonly DiffID[]): Promise<FileTree> {
    return this.#openImage(hexOf(await this.prepareChain(chain)));
  }

  async readFile(key: string, path: string, limitBytes: number): Promise<Uint8Array | undefined> {
    const hex = await this.#active.chainHex(key);
    if (await this.#active.isUntouched(key)) return this.#readFromImage(hex, { path, limitBytes });
    const { upper, root } = this.#active.folders(key);
    const image = await this.#imageMount(hex);
    return await readMerged(this.#options.executor, { image, lower: [upper], root, path, limitBytes });
  }

  async usage(key: string): Promise<number> {
    return await this.#active.usage(key);
  }

  async chainSize(chain: readonly DiffID[]): Promise<number> {
    const chainID = await this.prepareChain(chain);
    const known = this.#sizes.get(chainID);
    if (known !== undefined) return known;
    const size = await this.#options.workers.run(measureImageJob, { image: this.#image(hexOf(chainID)) });
    this.#sizes.set(chainID, size);
    return size;
  }

  async remove(key: string): Promise<void> {
    await this.#active.remove(key);
  }

  async list(): Promise<string[]> {
    return await this.#active.list();
  }

  #image(hex: string): string {
    return join(this.#chains, hex + SUFFIX);
  }

  async #isPrepared(hex: string): Promise<boolean> {
    try {
      await access(this.#image(hex));
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw fileError("look for image", error);
    }
  }

  /** The image itself tells its layers, so that there is no second record that could disagree. */
  async #imageMount(hex: string): Promise<Mount> {
    const tags = this.#layers.get(hex) ?? readErofsTags(this.#image(hex));
    this.#layers.set(hex, tags);
    const target = join(this.#options.imagesDir, hex);
    await mkdir(target, { recursive: true, mode: 0o700 });
    return {
      type: "erofs",
      source: this.#image(hex),
      target,
      options: this.#dataPaths(tags).map((path) => `device=${path}`),
    };
  }

  #dataPaths(tags: readonly string[]): string[] {
    return tags.map((hex) => this.#options.content.path(parseDigest(`sha256:${hex}`)));
  }

  #openImage(hex: string): ErofsImage {
    return openErofs(this.#image(hex), (tags) => this.#dataPaths(tags));
  }

  #readFromImage(hex: string, file: { path: string; limitBytes: number }): Uint8Array | undefined {
    using image = this.#openImage(hex);
    const stat = image.find(byteString(file.path));
    return stat?.type === "file" && stat.size > 0 && stat.size <= file.limitBytes ? image.read(stat) : undefined;
  }
}

const SUFFIX = ".erofs";
