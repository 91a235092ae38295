import { acceptOnly, booleanFilter, type Filters, matchPruneLabels } from "#core/events";
import { chainIDOf } from "#core/snapshots";
import { isKind } from "#lib/errors";
import type { ImagesContext } from "./context.ts";
import { createdNano } from "./created.ts";
import type { DeletedImage, ImageID } from "./image.ts";
import { familiar } from "./lookup.ts";
import type { ImageRecord } from "./records.ts";
import { removeFromName, removeImage } from "./remove.ts";
import { timeFilter } from "./time-filter.ts";

/** The verb `prune`: dangling images, or with `dangling=false` all that no container uses. */
export function pruneImages(
  context: ImagesContext,
  filters: Filters,
): { deleted: DeletedImage[]; reclaimedBytes: number } {
  acceptOnly(filters, ["dangling", "label", "label!", "until"]);
  const danglingOnly = booleanFilter(filters, "dangling") ?? true;
  const until = timeFilter(filters, "until", context.clock);
  const candidates = context.records
    .all()
    .filter((record) => until === undefined || createdNano(record.document) <= until)
    .filter((record) => matchPruneLabels(filters, record.document.config?.Labels));
  const sizes = chainSizes(context, candidates);
  const deleted = candidates.flatMap((record) => pruneImage(context, record.id, danglingOnly));
  const reclaimedBytes = deleted.reduce((sum, { Deleted }) => sum + (sizes.get(Deleted ?? "") ?? 0), 0);
  context.events.emit({
    type: "image",
    action: "prune",
    actorID: "",
    attributes: { reclaimed: String(reclaimedBytes) },
  });
  return { deleted, reclaimedBytes };
}

/** Names first, one after another; images in use keep theirs. */
function pruneImage(context: ImagesContext, id: ImageID, danglingOnly: boolean): DeletedImage[] {
  const names = context.records.names(id);
  if (danglingOnly && names.some((name) => !name.isDigest)) return [];
  const references = names.length > 0 ? names.map((name) => familiar(name.name)) : [id];
  return references.flatMap((reference) => {
    try {
      // With an earlier name the image itself may have gone, and its other names with it.
      return context.records.find(id) ? pruneReference(context, reference, id) : [];
    } catch (error) {
      if (isKind(error, "conflict") || isKind(error, "not-found")) return [];
      throw error;
    }
  });
}

/** Of a name that holds images for several platforms only this one goes. */
function pruneReference(context: ImagesContext, reference: string, id: ImageID): DeletedImage[] {
  return reference === id ? removeImage(context, id, { force: false }) : removeFromName(context, reference, id);
}

/** Sizes of layers by the chain that a removal names them with. */
function chainSizes(context: ImagesContext, images: readonly ImageRecord[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { id } of images) {
    const layers = context.records.layers(id);
    const diffIDs = layers.map((layer) => layer.diffID);
    for (const [index, layer] of layers.entries()) sizes.set(chainIDOf(diffIDs.slice(0, index + 1)), layer.blobBytes);
  }
  return sizes;
}
