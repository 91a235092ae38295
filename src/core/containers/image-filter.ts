import type { Images } from "#core/images";
import type { Container } from "./container.ts";

/** Containers of an image or of one built on it: whose layers begin with the image's. Unknown images match nothing. */
export async function imageMatcher(
  images: Pick<Images, "find">,
  ancestors: readonly string[] = [],
): Promise<(container: Container) => boolean> {
  if (ancestors.length === 0) return () => true;
  const found = (await Promise.all(ancestors.map((reference) => images.find(reference)))).filter(
    (image) => image !== undefined,
  );
  const stacks = found.map((image) => image.document.rootfs.diff_ids.join(" "));
  const ids = new Set(found.map((image) => image.id));
  return ({ imageID, layers }) => ids.has(imageID) || stacks.some((stack) => isStackedOn(layers, stack));
}

function isStackedOn(layers: readonly string[], stack: string): boolean {
  const own = layers.join(" ");
  return stack !== "" && (own === stack || own.startsWith(`${stack} `));
}
