import { nanoOf } from "#lib/time";
import type { ImageDocument } from "./image.ts";

/** When an image was made, nanoseconds since 1970; 0 when its document does not say. */
export function createdNano(document: ImageDocument): bigint {
  return nanoOf(document.created ?? "") ?? 0n;
}
