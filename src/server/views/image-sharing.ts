import type { Image, ImageID } from "#core/images";

/** Bytes of each image's layers that another of these images has, too. Layers are the same when all below them are. */
export function sharedBytes(images: readonly Image[]): ReadonlyMap<ImageID, number> {
  const holders = new Map<string, number>();
  for (const image of images) for (const chain of chainsOf(image)) holders.set(chain, (holders.get(chain) ?? 0) + 1);
  return new Map(
    images.map((image) => {
      const shared = chainsOf(image).map((chain, at) =>
        (holders.get(chain) ?? 0) > 1 ? (image.layerBytes[at] ?? 0) : 0,
      );
      return [image.id, shared.reduce((sum, bytes) => sum + bytes, 0)];
    }),
  );
}

/** A name for each layer together with what is below it. */
function chainsOf(image: Image): string[] {
  const diffIDs = image.document.rootfs.diff_ids;
  return diffIDs.map((_, at) => diffIDs.slice(0, at + 1).join(" "));
}
