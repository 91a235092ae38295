import type { ContentStore } from "#core/content";
import type { DataFile, DirectoryInode, Inode } from "#lib/erofs";
import { EngineError, isKind, messageOf } from "#lib/errors";
import { scanTarFile } from "#lib/tar";
import { LayerTree } from "./_layer-tree.ts";
import type { DiffID } from "./snapshot.ts";

/** The hex part of a digest or chain ID, for file names. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The layers of a chain as data files of an image. @throws `not-found` when one is missing */
export async function dataFilesOf(content: ContentStore, chain: readonly DiffID[]): Promise<DataFile[]> {
  return await Promise.all(
    chain.map(async (diffID) => ({
      path: content.path(diffID),
      sizeBytes: await content.size(diffID),
      tag: hexOf(diffID),
    })),
  );
}

/**
 * Reads the headers of a chain's tars, bottom first.
 *
 * @param afterLayer - called when a layer has been applied, before the next one is
 * @throws EngineError `invalid-parameter` for a malformed layer, which it names; `not-found`
 */
export async function buildLayerTree(
  content: ContentStore,
  chain: readonly DiffID[],
  afterLayer?: (tree: LayerTree, layer: number) => Promise<void>,
): Promise<LayerTree> {
  const tree = new LayerTree();
  for (const [layer, diffID] of chain.entries()) {
    await content.size(diffID);
    tree.beginLayer();
    try {
      await scanTarFile(content.path(diffID), (entry) => tree.add(entry));
    } catch (error) {
      if (!isKind(error, "invalid-parameter")) throw error;
      throw new EngineError("invalid-parameter", `layer "${diffID}": ${messageOf(error)}`, { cause: error });
    }
    await afterLayer?.(tree, layer);
  }
  return tree;
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
