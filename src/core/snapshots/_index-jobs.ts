/** What the erofs driver has done by another thread, since large images take tenths of a second. */
import { openErofs, writeErofs } from "#lib/erofs";
import type { Job } from "#lib/workers";
import { hexOf, type LayerFile, mergeLayers } from "./_layers.ts";

/** Writes the image of a chain. */
export const indexChainJob: Job<{ image: string; layers: readonly LayerFile[] }, void> = {
  name: "snapshots/index-chain",
  async run({ image, layers }) {
    const { root } = await mergeLayers(layers);
    const dataFiles = layers.map(({ diffID, tar, sizeBytes }) => ({ path: tar, sizeBytes, tag: hexOf(diffID) }));
    await writeErofs(image, root, dataFiles);
  },
};

/** The bytes of the files of an image, hard links once. */
export const measureImageJob: Job<{ image: string }, number> = {
  name: "snapshots/measure-image",
  async run({ image }) {
    // Contents are not read, so it does not matter where they lie.
    using opened = openErofs(image, (tags) => [...tags]);
    return opened.totalSize();
  },
};
