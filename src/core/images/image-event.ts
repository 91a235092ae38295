import type { ImagesContext } from "./context.ts";
import type { ImageID } from "./image.ts";

/** Tells of something that happened to an image. `name` is its ID where no reference is concerned, as with Docker. */
export function emitImageEvent(context: ImagesContext, id: ImageID, action: string, name: string = id): void {
  const labels = context.records.find(id)?.document.config?.Labels ?? {};
  context.events.emit({ type: "image", action, actorID: id, attributes: { ...labels, name } });
}
