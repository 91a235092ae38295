import type { Platform } from "#api/oci";
import { EngineError } from "#lib/errors";
import type { ImagesContext } from "./context.ts";
import type { ImageHistoryEntry, ImageID } from "./image.ts";
import { familiar, getImage, parentOf } from "./lookup.ts";
import type { ImageRecords } from "./records.ts";

/**
 * The verb `history`: newest first. The newest step is the image itself, those before it the images that it was committed over,
 * as far as they are here; the others are `<missing>`.
 */
export function imageHistory(context: ImagesContext, reference: string, platform?: Platform): ImageHistoryEntry[] {
  const { records } = context;
  const id = getImage(records, reference, platform);
  const layers = records.layers(id);
  let used = 0;
  const entries = (records.find(id)?.document.history ?? []).map((step) => {
    const layer = step.empty_layer === true ? undefined : layers[used++];
    if (step.empty_layer !== true && !layer) {
      throw new EngineError("internal", "too many non-empty layers in History section");
    }
    return {
      created: step.created ?? "",
      createdBy: step.created_by ?? "",
      sizeBytes: layer?.fileBytes ?? 0,
      comment: step.comment ?? "",
    };
  });
  const line = lineage(records, id);
  return entries.reverse().map((entry) => ({ ...(line.next().value ?? { id: "<missing>", tags: [] }), ...entry }));
}

/** An image, the one it was committed over, and so on. */
function* lineage(records: ImageRecords, id: ImageID): Generator<{ id: string; tags: string[] }, undefined> {
  for (let record = records.find(id); record; record = parentOf(records, record)) {
    const tags = records.names(record.id).filter((name) => !name.isDigest);
    yield { id: record.id, tags: tags.map((tag) => familiar(tag.name)) };
  }
}
