import { familiarName, formatReference, type Reference } from "#api/distribution";
import type { Lease } from "#core/content";
import { chainIDOf, type DiffID } from "#core/snapshots";
import { EngineError } from "#lib/errors";
import { formatNano } from "#lib/time";
import type { ImagesContext } from "./context.ts";
import type { ImageDocument, ImageID } from "./image.ts";
import type { StoredLayer } from "./records.ts";

/** An image whose layers are in the content store under the caller's lease, and fit its document. */
export interface CompleteImage {
  readonly config: Uint8Array;
  readonly document: ImageDocument;
  readonly layers: readonly StoredLayer[];
  readonly names: readonly Reference[];
  readonly manifest?: Uint8Array;
}

export interface AddedImage {
  readonly id: ImageID;
  /** Its new names, and which other image had one before. */
  readonly names: readonly { readonly reference: Reference; readonly previous?: ImageID }[];
}

/** What `body` writes under the lease is recorded when it ends, or is garbage. */
export async function withLease<T>(context: ImagesContext, body: (lease: Lease) => Promise<T>): Promise<T> {
  try {
    using lease = context.content.lease();
    return await body(lease);
  } finally {
    context.garbage();
  }
}

/**
 * Makes a record of an image, the data first: config and manifest as blobs, the chain ready to mount. An image that
 * is here already gets the names.
 */
export async function addImage(context: ImagesContext, image: CompleteImage, lease: Lease): Promise<AddedImage> {
  const diffIDs = image.layers.map((layer) => layer.diffID);
  const id = await context.content.put(image.config, lease);
  const manifest = image.manifest && (await context.content.put(image.manifest, lease));
  using _pending = protectChain(context, diffIDs);
  await context.snapshots.prepareChain(diffIDs);
  const names = context.records.transaction(() => {
    context.records.add({ id, document: image.document, layers: image.layers, ...(manifest ? { manifest } : {}) });
    return image.names.map((reference) => ({ reference, ...setName(context, reference, id) }));
  });
  return { id, names };
}

/**
 * Gives an image a name; says which other image had it.
 *
 * @throws `invalid-parameter` for a name that could be taken for an image's ID
 */
export function setName(context: ImagesContext, reference: Reference, id: ImageID): { previous?: ImageID } {
  if (familiarName(reference) === "sha256") {
    throw new EngineError("invalid-parameter", "refusing to create an ambiguous tag using digest algorithm as name");
  }
  const previous = context.records.findByName(formatReference(reference));
  context.records.setName(reference, id, formatNano(context.clock.nowNano()));
  return previous === undefined || previous === id ? {} : { previous };
}

/** The collector spares the chain until the record is there. */
function protectChain({ pendingChains }: ImagesContext, diffIDs: readonly DiffID[]): Disposable {
  const chain = chainIDOf(diffIDs);
  pendingChains.set(chain, (pendingChains.get(chain) ?? 0) + 1);
  return {
    [Symbol.dispose]: () => {
      const left = (pendingChains.get(chain) ?? 1) - 1;
      if (left > 0) pendingChains.set(chain, left);
      else pendingChains.delete(chain);
    },
  };
}
