import type { Platform } from "#api/oci";
import { EngineError } from "#lib/errors";
import type { ImagesContext } from "./context.ts";
import type { ImageHistoryEntry } from "./image.ts";
import { familiar, getImage } from "./lookup.ts";

/** The verb `history`: newest first. Only the newest step is an image of this engine; the others are `<missing>`. */
export function imageHistory(context: ImagesContext, reference: string, platform?: Platform): ImageHistoryEntry[] {
  const { records } = context;
  const id = getImage(records, reference, platform);
  const layers = records.layers(id);
  const tags = records.names(id).filter((name) => !name.isDigest);
  let used = 0;
  const entries = (records.find(id)?.document.history ?? []).map((step) => {
    const layer = step.empty_layer === true ? undefined : layers[used++];
    if (step.empty_layer !== true && !layer) {
      throw new EngineError("internal", "too many non-empty layers in History section");
    }
    return {
      id: "<missing>",
      created: step.created ?? "",
      createdBy: step.created_by ?? "",
      tags: [],
      sizeBytes: layer?.fileBytes ?? 0,
      comment: step.comment ?? "",
    };
  });
  const [newest, ...older] = entries.reverse();
  return newest ? [{ ...newest, id, tags: tags.map((tag) => familiar(tag.name)) }, ...older] : [];
}
