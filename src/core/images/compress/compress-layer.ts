import { rm } from "node:fs/promises";
import { MEDIA_TYPES } from "#api/oci";
import type { Lease } from "#core/content";
import { type ImagesContext, nowMsOf } from "../context.ts";
import type { LayerForm } from "../form-records.ts";
import type { StoredLayer } from "../records.ts";
import { compressLayerJob } from "./compress-job.ts";

/** Compressed layers are kept to be pushed elsewhere, or again after a failure: so much of them, those used last. */
export const COMPRESSED_LIMIT_BYTES = 1024 ** 3;
/** And for so long: by then a registry has them, and making them again gives the same. */
export const COMPRESSED_KEPT_MS = 24 * 3600 * 1000;

/**
 * The form of a layer that this engine makes, with its bytes in the content store under the caller's lease. It is made once for all
 * who want it at the same time; its digest is known from then on, and its bytes are kept for a while.
 *
 * @throws `unavailable` when the disk is full; `canceled`
 */
export async function compressLayer(
  context: ImagesContext,
  layer: StoredLayer,
  { lease, signal }: { readonly lease: Lease; readonly signal: AbortSignal },
): Promise<LayerForm> {
  const known = ownForm(context, layer);
  if (known?.isCached) {
    lease.add(known.digest);
    context.records.forms.markCached(known.digest, nowMsOf(context));
    return known;
  }
  const make = (_: unknown, shared: AbortSignal) => compress(context, layer, shared);
  const form = await context.transfers.compressions.run(layer.diffID, make, { signal, report: () => {} });
  lease.add(form.digest);
  return form;
}

/** What `compressLayer` made before. Its bytes may have gone meanwhile. */
export function ownForm({ records }: ImagesContext, { diffID }: Pick<StoredLayer, "diffID">): LayerForm | undefined {
  return records.forms.ofLayer(diffID).find((form) => form.isOwn);
}

async function compress(context: ImagesContext, layer: StoredLayer, signal: AbortSignal): Promise<LayerForm> {
  const { content, workers, records } = context;
  const target = content.temporaryPath();
  using lease = content.lease();
  try {
    lease.add(layer.diffID);
    const { digest, size } = await workers.run(
      compressLayerJob,
      { tar: content.path(layer.diffID), target },
      { signal },
    );
    await content.adopt({ path: target, digest }, lease);
    const form = { digest, diffID: layer.diffID, bytes: size, mediaType: MEDIA_TYPES.ociLayerGzip, isOwn: true };
    // The layer's image may have been removed meanwhile; then the form goes with the lease.
    if (records.findLayer(layer.diffID)) {
      records.transaction(() => {
        records.forms.add(form);
        records.forms.markCached(digest, nowMsOf(context));
      });
    }
    return { ...form, isCached: true };
  } finally {
    await rm(target, { force: true });
  }
}
