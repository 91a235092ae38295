import type { ContentStore } from "#core/content";
import type { DirectoryInode, Inode } from "#lib/erofs";
import { EngineError, isKind, messageOf } from "#lib/errors";
import { scanOutline, scanTarFile } from "#lib/tar";
import { LayerTree } from "./_layer-tree.ts";
import type { DiffID } from "./snapshot.ts";

/** The hex part of a digest or chain ID, for file names. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** Where a layer lies. A value, which other threads can be given. */
export interface LayerFile {
  readonly diffID: DiffID;
  readonly tar: string;
  readonly sizeBytes: number;
  /** The headers of the tar by themselves, if it was written with them. */
  readonly outline: string;
}

/** The layers of a chain. @throws `not-found` when one is missing */
export async function layerFilesOf(content: ContentStore, chain: readonly DiffID[]): Promise<LayerFile[]> {
  return await Promise.all(
    chain.map(async (diffID) => ({
      diffID,
      tar: content.path(diffID),
      sizeBytes: await content.size(diffID),
      outline: content.sidecar(diffID),
    })),
  );
}

type AfterLayer = (tree: LayerTree, layer: number) => Promise<void>;

/**
 * The tree that the layers of a chain make, bottom first, from the headers of their tars.
 *
 * @param afterLayer - called when a layer has been applied, before the next one is
 * @throws EngineError `invalid-parameter` for a malformed layer, which it names; `not-found`
 */
export async function buildLayerTree(
  content: ContentStore,
  chain: readonly DiffID[],
  afterLayer?: AfterLayer,
): Promise<LayerTree> {
  return await mergeLayers(await layerFilesOf(content, chain), afterLayer);
}

/** As `buildLayerTree`. */
export async function mergeLayers(layers: readonly LayerFile[], afterLayer?: AfterLayer): Promise<LayerTree> {
  const tree = new LayerTree();
  for (const [index, layer] of layers.entries()) {
    tree.beginLayer();
    try {
      await addLayer(tree, layer);
    } catch (error) {
      if (!isKind(error, "invalid-parameter")) throw error;
      throw new EngineError("invalid-parameter", `layer "${layer.diffID}": ${messageOf(error)}`, { cause: error });
    }
    await afterLayer?.(tree, index);
  }
  return tree;
}

async function addLayer(tree: LayerTree, { tar, sizeBytes, outline }: LayerFile): Promise<void> {
  const isOutlined = await scanOutline(outline, sizeBytes, (entry) => tree.add(entry));
  if (!isOutlined) await scanTarFile(tar, (entry) => tree.add(entry));
}

/** Bytes of all regular files of a tree, hard links once. */
export function sizeOfTree(root: DirectoryInode): number {
  const seen = new Set<Inode>();
  let total = 0;
  const directories = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const child of directory.children.values()) {
      if (child.type === "directory") directories.push(child);
      if (child.type !== "file" || seen.has(child)) continue;
      seen.add(child);
      total += child.size;
    }
  }
  return total;
}
