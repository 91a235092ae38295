import { familiarName, familiarReference, formatReference, type Reference } from "#api/distribution";
import type { ImagesContext } from "./context.ts";
import type { ImageID } from "./image.ts";

/** Tells of something that happened to an image. `name` is its ID where no reference is concerned, as with Docker. */
export function emitImageEvent(context: ImagesContext, id: ImageID, action: string, name: string = id): void {
  const labels = context.records.find(id)?.document.config?.Labels ?? {};
  context.events.emit({ type: "image", action, actorID: id, attributes: { ...labels, name } });
}

/** Tells of a pull or push. As with Docker, its actor is the reference that was typed. */
export function emitTransferEvent(context: ImagesContext, action: "pull" | "push", reference: Reference): void {
  const id = context.records.findByName(formatReference(reference));
  const labels = (id && context.records.find(id)?.document.config?.Labels) ?? {};
  context.events.emit({
    type: "image",
    action,
    actorID: familiarReference(reference),
    attributes: { ...labels, name: familiarName(reference) },
  });
}
