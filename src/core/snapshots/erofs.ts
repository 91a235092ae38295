import { mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseDigest } from "#api/oci";
import { type ErofsImage, openErofs, readErofsTags } from "#lib/erofs";
import { byteString, fileSize, TEMPORARY_SUFFIX } from "#lib/fs";
import { type ActiveSnapshot, ActiveSnapshots } from "./_active.ts";
import { indexChainJob, measureImageJob } from "./_index-jobs.ts";
import { layerFilesOf } from "./_layers.ts";
import { readMerged } from "./_read-merged.ts";
import { openSnapshotter } from "./_snapshotter.ts";
import { type Chain, type Driver, type DriverOptions, overlayMount, type WantedFile } from "./driver.ts";
import type { FileTree } from "./file-tree.ts";
import type { Mount, PreparedPart, RootMounts, Scratch, SnapshotDiff, Snapshotter } from "./snapshot.ts";

/**
 * The default driver: layers stay the tars they are. A chain is one EROFS image that holds the merged metadata of its
 * layers and points into their tars; a snapshot is overlayfs over it.
 *
 *     ROOT/chains/HEX.erofs   the image of a chain; its device tags are the diffIDs
 *     ROOT/snapshots/…        see `_active.ts`
 *     IMAGES/HEX              where it is mounted, once for all containers
 */
export async function createErofsSnapshotter(options: DriverOptions): Promise<Snapshotter> {
  return await openSnapshotter(new ErofsDriver(options), options.content);
}

class ErofsDriver implements Driver {
  readonly name = "erofs";
  readonly active: ActiveSnapshots;
  readonly #chains: string;
  readonly #options: DriverOptions;
  /** Of images, by hex: their layers' hex. */
  readonly #layers = new Map<string, readonly string[]>();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#chains = join(options.root, "chains");
    this.active = new ActiveSnapshots(options);
  }

  async open(): Promise<void> {
    await mkdir(this.#chains, { recursive: true, mode: 0o700 });
    await mkdir(this.#options.imagesDir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#chains))
      if (name.endsWith(TEMPORARY_SUFFIX)) await rm(join(this.#chains, name), { force: true });
  }

  async prepare({ hex, layers }: Chain): Promise<void> {
    const image = this.#image(hex);
    if ((await fileSize(image)) !== undefined) return;
    const files = await layerFilesOf(this.#options.content, layers);
    const isLight = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) <= LIGHT_BYTES;
    await this.#options.workers.run(indexChainJob, { image, layers: files }, { isLight });
  }

  async parts({ id, hex }: Chain): Promise<readonly PreparedPart[]> {
    const bytes = await fileSize(this.#image(hex));
    return bytes === undefined ? [] : [{ key: id, bytes }];
  }

  async retain(used: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#chains)) {
      const hex = basename(name, SUFFIX);
      if (!name.endsWith(SUFFIX) || used.has(hex)) continue;
      const target = join(this.#options.imagesDir, hex);
      await this.#options.executor.run([
        { op: "umount", path: target, detach: true },
        { op: "remove", path: target, retryMs: 0 },
      ]);
      await rm(join(this.#chains, name), { force: true });
      this.#layers.delete(hex);
    }
  }

  async mounts({ hex, upper, work, root }: ActiveSnapshot): Promise<RootMounts> {
    const image = await this.#imageMount(hex);
    return { shared: [image], own: [overlayMount(root, { lower: [image.target], upper, work })], path: root };
  }

  async look({ hex, upper, root }: ActiveSnapshot, scratch: Scratch): Promise<RootMounts> {
    const image = await this.#imageMount(hex);
    return { shared: [image], own: [overlayMount(root, { lower: [upper, image.target], ...scratch })], path: root };
  }

  async diff({ hex, upper }: ActiveSnapshot): Promise<SnapshotDiff> {
    return { path: upper, whole: false, below: await this.#view(hex) };
  }

  async readFile({ key, hex, upper, root }: ActiveSnapshot, file: WantedFile): Promise<Uint8Array | undefined> {
    if (await this.active.isUntouched(key)) return this.#readFromImage(hex, file);
    const image = await this.#imageMount(hex);
    return await readMerged(this.#options.executor, { image, lower: [upper], root, ...file });
  }

  async view({ hex }: Chain): Promise<RootMounts> {
    return await this.#view(hex);
  }

  readonly index = {
    browse: async ({ hex }: Chain): Promise<FileTree> => this.#openImage(hex),
    size: async ({ hex }: Chain): Promise<number> =>
      await this.#options.workers.run(measureImageJob, { image: this.#image(hex) }),
  };

  async #view(hex: string): Promise<RootMounts> {
    const image = await this.#imageMount(hex);
    return { shared: [image], own: [], path: image.target };
  }

  #image(hex: string): string {
    return join(this.#chains, hex + SUFFIX);
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

  #readFromImage(hex: string, file: WantedFile): Uint8Array | undefined {
    using image = this.#openImage(hex);
    const stat = image.find(byteString(file.path));
    return stat?.type === "file" && stat.size > 0 && stat.size <= file.limitBytes ? image.read(stat) : undefined;
  }
}

const SUFFIX = ".erofs";

/** Layers of this size together are indexed in a few milliseconds, unless they are made to have many files. */
const LIGHT_BYTES = 8 * 1024 * 1024;
