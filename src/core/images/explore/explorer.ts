import type { ImageComparison, ImageExplanation, ImageFile, PathStat } from "#api/engine";
import type { Platform } from "#api/oci";
import type { ContentStore } from "#core/content";
import type { FileTree, Snapshotter } from "#core/snapshots";
import type { Image, Images } from "../image.ts";
import { archiveStat, writeArchive } from "./archive.ts";
import { compareImages } from "./compare.ts";
import { explainImage } from "./explain.ts";
import { listFiles, resolveFile } from "./files.ts";
import { ChangesReader } from "./image-changes.ts";

/**
 * Looks into images without starting or mounting anything. References are what users type. All throw `not-found` for an image
 * that is not here, and for one that goes while it is looked into.
 */
export interface ImageExplorer {
  /** @throws `invalid-parameter` for a layer that the image does not have */
  explain(reference: string, options: ExplainOptions): Promise<ImageExplanation>;
  compare(reference: string, other: string, options: CompareOptions): Promise<ImageComparison>;
  /** What is in a directory, or a file itself. @throws `not-found` before the first */
  files(reference: string, options: FilesOptions): Promise<AsyncIterable<ImageFile>>;
  /** A path as a tar. @throws `not-found` */
  archive(reference: string, options: ArchiveOptions): Promise<ImageArchive>;
}

interface Selected {
  readonly platform?: Platform;
  readonly signal: AbortSignal;
}

export interface ExplainOptions extends Selected {
  /** Tell all that this layer did; from 1, the lowest. */
  readonly layer?: number;
  /** Tell what became of this path. */
  readonly path?: string;
}

export type CompareOptions = Selected;

export interface FilesOptions extends Selected {
  readonly path: string;
  readonly recursive: boolean;
  /** Tell the layer of each file; takes as long as `explain`. */
  readonly layers: boolean;
}

export interface ArchiveOptions extends Selected {
  readonly path: string;
}

/** A path of an image, as `docker cp` wants it. */
export interface ImageArchive {
  readonly stat: PathStat;
  /** A tar in which the path is called by its last part. */
  readonly tar: AsyncIterable<Uint8Array>;
}

interface ExplorerParts {
  readonly images: Pick<Images, "get" | "list">;
  readonly content: ContentStore;
  readonly snapshots: Pick<Snapshotter, "browse">;
}

export function createImageExplorer(parts: ExplorerParts): ImageExplorer {
  const { images, content } = parts;
  const changes = new ChangesReader(content);
  const find = (reference: string, { platform }: Selected) =>
    images.get(reference, platform === undefined ? {} : { platform });
  return {
    async explain(reference, options) {
      const image = await find(reference, options);
      using tree = await browse(parts, image);
      const { layer, path, signal } = options;
      return await explainImage({
        image,
        tree,
        others: await images.list({ all: true, filters: new Map() }),
        changes: await changes.read(layersOf(image), signal),
        diskBytes: await diskBytesOf(parts, image),
        ...(layer !== undefined && { layer }),
        ...(path !== undefined && { path }),
      });
    },
    async compare(reference, other, options) {
      const [first, second] = [await find(reference, options), await find(other, options)];
      using before = await browse(parts, first);
      using after = await browse(parts, second);
      return await compareImages(
        { image: first, tree: before, diskBytes: await diskBytesOf(parts, first) },
        { image: second, tree: after, diskBytes: await diskBytesOf(parts, second) },
        options.signal,
      );
    },
    async files(reference, { path, recursive, layers, ...options }) {
      const image = await find(reference, options);
      const known = layers ? { changes: await changes.read(layersOf(image), options.signal) } : {};
      using tree = await browse(parts, image);
      resolveFile(tree, path, { followLast: true });
      return reading(parts, image, (files) => listFiles(files, { path, recursive, ...known }));
    },
    async archive(reference, { path, ...options }) {
      const image = await find(reference, options);
      using tree = await browse(parts, image);
      const stat = archiveStat(tree, path);
      return { stat, tar: reading(parts, image, (files) => writeArchive(files, path)) };
    },
  };
}

/** Opens the files when they are asked for: whoever never asks leaves nothing open. */
async function* reading<T>(
  parts: ExplorerParts,
  image: Image,
  read: (tree: FileTree) => AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  using tree = await browse(parts, image);
  yield* read(tree);
}

function browse({ snapshots }: ExplorerParts, image: Image): Promise<FileTree> {
  return snapshots.browse(layersOf(image));
}

function layersOf(image: Image) {
  return image.document.rootfs.diff_ids;
}

async function diskBytesOf({ content }: ExplorerParts, image: Image): Promise<number[]> {
  return await Promise.all(layersOf(image).map((diffID) => content.size(diffID)));
}
