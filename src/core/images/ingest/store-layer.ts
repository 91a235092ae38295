import { rm } from "node:fs/promises";
import type { Digest } from "#api/oci";
import type { ContentStore, Lease } from "#core/content";
import type { DiffID } from "#core/snapshots";
import type { Workers } from "#lib/workers";
import type { StoredLayer } from "../records.ts";
import { type StoredForm, storeLayerJob } from "./layer-job.ts";

/** A layer on its way in, as it arrives: compressed or not. What is known about it beforehand is checked. */
export interface IncomingLayer {
  readonly source: AsyncIterable<Uint8Array>;
  /** How much will come, as far as it is known beforehand; unchecked. */
  readonly bytes?: number;
  readonly stored?: { readonly digest: Digest; readonly size: number };
  readonly diffID?: DiffID;
}

/** A layer that is in the content store, and the form in which it came. */
export interface IngestedLayer extends StoredLayer {
  readonly stored: StoredForm;
}

export interface IngestContext {
  readonly content: ContentStore;
  readonly workers: Workers;
}

/** A layer of this size is in within a millisecond or two. Should it be a bomb, it is one of some 100 MB and comes in small pieces. */
const LIGHT_BYTES = 128 * 1024;

/**
 * Puts a layer into the content store, without its compression and under the lease, and adds up the sizes of the files in it: what
 * Docker calls the size of a layer. The work is done in another thread. Whatever goes wrong leaves nothing.
 *
 * @throws `invalid-parameter` when it is no tar, cut off, or not what it was said to be; `unavailable` when the disk is full;
 *   `canceled`; what the source throws
 */
export async function storeLayer(
  { content, workers }: IngestContext,
  { source, stored, diffID, bytes = stored?.size }: IncomingLayer,
  { lease, signal }: { readonly lease: Lease; readonly signal: AbortSignal },
): Promise<IngestedLayer> {
  const files = { tar: content.temporaryPath(), outline: content.temporaryPath() };
  const input = { ...files, ...(stored ? { stored } : {}), ...(diffID ? { diffID } : {}) };
  const isLight = bytes !== undefined && bytes <= LIGHT_BYTES;
  try {
    const { hasOutline, ...layer } = await workers.run(storeLayerJob, input, { source, signal, isLight });
    const sidecar = hasOutline ? { sidecar: files.outline } : {};
    await content.adopt({ path: files.tar, digest: layer.diffID, ...sidecar }, lease);
    return layer;
  } finally {
    for (const path of Object.values(files)) await rm(path, { force: true });
  }
}
