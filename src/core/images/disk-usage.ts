/** What images take up on disk. Shared, unique and reclaimable parts add up to what is there, byte for byte. */
import type { Digest } from "#api/oci";
import type { ImagesContext } from "./context.ts";
import type { ImageDiskUsage, ImageID } from "./image.ts";

/** Things on disk by name: how large, and whose they are. */
class Ledger {
  readonly #owners = new Map<string, Set<ImageID>>();
  readonly #bytes = new Map<string, number>();

  /** Says that an image needs a thing; whether it is there is told by `measure`. */
  own(thing: string, id: ImageID): void {
    this.#owners.set(thing, (this.#owners.get(thing) ?? new Set()).add(id));
  }

  measure(thing: string, bytes: number): void {
    this.#bytes.set(thing, bytes);
  }

  sum(): ImageDiskUsage {
    const images = new Map<ImageID, { bytes: number; sharedBytes: number }>();
    let totalBytes = 0;
    for (const [thing, bytes] of this.#bytes) {
      totalBytes += bytes;
      const owners = this.#owners.get(thing) ?? new Set();
      for (const id of owners) {
        const before = images.get(id) ?? { bytes: 0, sharedBytes: 0 };
        const sharedBytes = before.sharedBytes + (owners.size > 1 ? bytes : 0);
        images.set(id, { bytes: before.bytes + bytes, sharedBytes });
      }
    }
    return { totalBytes, images };
  }
}

/**
 * Everything in the content store and what drivers made of it. What no image owns is there for the next pull or push, for containers of
 * images that were removed, or to be collected.
 */
export async function imageDiskUsage(context: ImagesContext): Promise<ImageDiskUsage> {
  const { records, content } = context;
  const ledger = new Ledger();
  for (const { id } of records.all()) for (const blob of blobsOf(context, id)) ledger.own(blob, id);
  for (const { name, target } of records.targets()) {
    const ids = records.imagesOf(name).map((image) => image.id);
    for (const blob of records.manifests.keptWith(target)) for (const id of ids) ledger.own(blob, id);
  }
  for (const digest of await content.list()) ledger.measure(digest, await content.diskBytes(digest));
  for (const id of [...records.all().map((record) => record.id), ...records.removed()]) {
    const isShown = records.find(id)?.removed === false;
    const chain = records.layers(id).map((layer) => layer.diffID);
    for (const { key, bytes } of await context.snapshots.preparedParts(chain)) {
      ledger.measure(`chain ${key}`, bytes);
      if (isShown) ledger.own(`chain ${key}`, id);
    }
  }
  return ledger.sum();
}

function blobsOf({ records }: ImagesContext, id: ImageID): Digest[] {
  const layers = records.layers(id).map((layer) => layer.diffID);
  return [id, ...layers, ...records.manifests.ofImage(id).map((manifest) => manifest.digest)];
}
