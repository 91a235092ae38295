import { familiarReference, parseReference, withDefaultTag } from "#api/distribution";
import { EngineError } from "#lib/errors";
import { setName } from "./add.ts";
import type { ImagesContext } from "./context.ts";
import { emitImageEvent } from "./image-event.ts";
import { getImage } from "./lookup.ts";

/** The verb `tag`: another image that had the name loses it. */
export function tagImage(context: ImagesContext, reference: string, target: string): void {
  const name = withDefaultTag(parseReference(target));
  if (name.digest !== undefined) {
    throw new EngineError("invalid-parameter", "refusing to create a tag with a digest reference");
  }
  const id = getImage(context.records, reference);
  context.records.transaction(() => setName(context, name, id));
  emitImageEvent(context, id, "tag", familiarReference(name));
}
