import { familiarReference, parseReference, withDefaultTag } from "#api/distribution";
import type { Digest } from "#api/oci";
import { EngineError } from "#lib/errors";
import { markTagged, setName } from "./add.ts";
import type { ImagesContext } from "./context.ts";
import { noSuchImage } from "./errors.ts";
import { emitImageEvent } from "./image-event.ts";
import { findHolding } from "./lookup.ts";

/** The verb `tag`: another image that had the name loses it. The new name stands for what the old one did, all platforms of it. */
export function tagImage(context: ImagesContext, reference: string, target: string): void {
  const name = withDefaultTag(parseReference(target));
  if (name.digest !== undefined) {
    throw new EngineError("invalid-parameter", "refusing to create a tag with a digest reference");
  }
  const held = findHolding(context.records, reference);
  const id = held?.images[0]?.id;
  if (!held || id === undefined) throw noSuchImage(reference);
  context.records.transaction(() => {
    setName(context, name, { images: held.images, ...targetOf(context, held) });
    markTagged(context, id);
  });
  emitImageEvent(context, id, "tag", familiarReference(name));
}

/** Of an image by its ID, the manifest that it came with. */
function targetOf({ records }: ImagesContext, held: NonNullable<ReturnType<typeof findHolding>>): { target?: Digest } {
  const [image] = held.images;
  const target = held.name ? held.name.target : image && records.find(image.id)?.manifest;
  return target === undefined ? {} : { target };
}
