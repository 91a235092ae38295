import { familiarReference, parseDigestOrReference, withDefaultTag } from "#api/distribution";
import type { Platform } from "#api/oci";
import { EngineError } from "#lib/errors";
import type { ImageID } from "./image.ts";
import { formatPlatform } from "./platform.ts";

/** Docker's short form of an ID: twelve digits, without the algorithm. */
export function shortID(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}

/** @throws `invalid-parameter` when the text is no reference at all */
export function noSuchImage(text: string): EngineError {
  const parsed = parseDigestOrReference(text);
  const shown = typeof parsed === "string" ? parsed : familiarReference(withDefaultTag(parsed));
  return new EngineError("not-found", `No such image: ${shown}`);
}

/** The image is here, and not for the platform that was asked for. */
export function noSuchPlatform(
  text: string,
  { images, platform }: { images: readonly { readonly platform: string }[]; platform: Platform },
): EngineError {
  const asked = formatPlatform(platform);
  const [first, second] = images;
  const reason =
    first && !second
      ? `its platform (${first.platform}) does not match the specified platform (${asked})`
      : `does not provide the specified platform (${asked})`;
  return new EngineError("not-found", `image with reference ${text} was found but ${reason}`);
}

/** A name that its only image would lose while a container was made by it. */
export function nameInUse(use: { reference: string; containerID: string; imageID: ImageID }): EngineError {
  const container = shortID(use.containerID);
  return new EngineError(
    "conflict",
    `conflict: unable to remove repository reference "${use.reference}" (must force) - container ${container} is using its referenced image ${shortID(use.imageID)}`,
  );
}

/** `hard`: no force helps. */
export function imageInUse(id: ImageID, conflict: { hard: boolean; reason: string }): EngineError {
  const force = conflict.hard ? "cannot be forced" : "must be forced";
  return new EngineError("conflict", `conflict: unable to delete ${shortID(id)} (${force}) - ${conflict.reason}`);
}

/** Something that an archive said and did not keep. */
export function invalidArchive(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
