import type { ImageWaste } from "#api/engine";
import { textOf } from "#lib/fs";
import type { ImageChanges } from "./image-changes.ts";

const MAX_OFFENDERS = 20;

/** What took away most bytes of lower layers, largest first. */
export function worstWaste({ layers }: ImageChanges): ImageWaste[] {
  const all: ImageWaste[] = [];
  for (const change of layers.flat()) {
    if (change.kind === "added") continue;
    for (const [layer, bytes] of change.wasted) {
      if (bytes === 0) continue;
      all.push({
        Path: textOf(change.path),
        Bytes: bytes,
        Layer: layer + 1,
        By: change.layer + 1,
        Kind: change.kind,
        SameContent: change.kind === "changed" && change.sameContent,
      });
    }
  }
  return all.sort((a, b) => b.Bytes - a.Bytes || (a.Path < b.Path ? -1 : 1)).slice(0, MAX_OFFENDERS);
}
