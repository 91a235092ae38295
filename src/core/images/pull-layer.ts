/** One layer of a pull: taken from what is here, joined while another pull brings it, or brought. */
import { type Descriptor, MEDIA_TYPES } from "#api/oci";
import type { Lease } from "#core/content";
import type { RemoteRepository } from "#core/distribution";
import type { DiffID } from "#core/snapshots";
import { EngineError } from "#lib/errors";
import { tap } from "#lib/stream";
import { type ImagesContext, type LayerProgress, nowMsOf } from "./context.ts";
import type { LayerForm } from "./form-records.ts";
import { storeLayer } from "./ingest/store-layer.ts";
import type { StoredLayer } from "./records.ts";

/** For so long a layer waits for the pull that wanted it to be tried again. */
export const KEPT_LAYER_MS = 24 * 3600 * 1000;
/** So many bytes of layers wait at most; beyond, those that came first go first. */
export const KEPT_LAYERS_LIMIT_BYTES = 16 * 1024 ** 3;

/** One report for so many bytes. */
const REPORT_BYTES = 512 * 1024;

export interface WantedLayer {
  readonly repository: RemoteRepository;
  /** As the manifest lists it. */
  readonly descriptor: Descriptor;
  /** As the config lists it. */
  readonly diffID: DiffID;
}

export interface LayerCaller {
  /** Has the layer before the result is there. */
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly report: (progress: LayerProgress) => void;
}

/**
 * A layer that is here already, by its content or by the digest under which a registry has it.
 *
 * @throws `invalid-parameter` when it is known to be another one than the config says
 */
export function findHere(
  { records }: ImagesContext,
  { descriptor, diffID }: Omit<WantedLayer, "repository">,
  lease: Lease,
): StoredLayer | undefined {
  const known = records.forms.find(descriptor.digest);
  if (known && known.diffID !== diffID) throw layersDoNotFit();
  const layer = records.findLayer(diffID);
  if (layer) lease.add(diffID);
  return layer;
}

/** Brings a layer. What is whole is recorded at once, and stays for a while though nothing comes of the rest. */
export async function fetchLayer(
  context: ImagesContext,
  wanted: WantedLayer,
  caller: LayerCaller,
): Promise<StoredLayer> {
  const { layers } = context.transfers;
  const key = wanted.descriptor.digest;
  const isJoined = layers.has(key);
  const join = () => layers.run(key, (report, signal) => bring(context, wanted, { report, signal }), caller);
  const layer = await join().catch((error: unknown) => {
    // It may have failed for another pull's reasons: its credentials, its registry, what its config promised.
    if (isJoined && !caller.signal.aborted) return join();
    throw error;
  });
  if (layer.diffID !== wanted.diffID) throw layersDoNotFit();
  caller.lease.add(layer.diffID);
  return layer;
}

/** The form in which a layer came. One whose digest is its diffID was not compressed, whatever its manifest says. */
export function formOf({ descriptor, diffID }: Omit<WantedLayer, "repository">): Omit<LayerForm, "isCached"> {
  const mediaType = descriptor.digest === diffID ? MEDIA_TYPES.ociLayer : descriptor.mediaType;
  return { digest: descriptor.digest, diffID, bytes: descriptor.size, mediaType, isOwn: false };
}

/** dockerd's words. */
export function layersDoNotFit(): EngineError {
  return new EngineError("invalid-parameter", "layers from manifest don't match image configuration");
}

async function bring(
  context: ImagesContext,
  wanted: WantedLayer,
  { report, signal }: { report: (progress: LayerProgress) => void; signal: AbortSignal },
): Promise<StoredLayer> {
  const { repository, descriptor, diffID } = wanted;
  const { downloads } = context.transfers;
  if (downloads.isFull) report({ phase: "waiting" });
  using lease = context.content.lease();
  // The next layer may come while the disk still writes this one: most of the time of a small layer.
  const { storing } = await downloads.run(async () => {
    const { source, end } = withEnd(counted(repository.blob(descriptor, { signal }), descriptor.size, report));
    const storing = storeLayer(context, { source, stored: descriptor, diffID }, { lease, signal });
    await Promise.race([end, storing]);
    return { storing };
  }, signal);
  const layer = await storing;
  report({ phase: "complete" });
  remember(context, wanted, layer);
  return layer;
}

/** The same bytes, and a promise of the moment when they have all been read, or nobody reads them any more. */
function withEnd(bytes: AsyncIterable<Uint8Array>): { source: AsyncIterable<Uint8Array>; end: Promise<void> } {
  const { promise: end, resolve } = Promise.withResolvers<void>();
  async function* source() {
    try {
      yield* bytes;
    } finally {
      resolve();
    }
  }
  return { source: source(), end };
}

function remember(context: ImagesContext, wanted: WantedLayer, layer: StoredLayer): void {
  const { records } = context;
  const nowMs = nowMsOf(context);
  records.keepLayer(layer, nowMs + KEPT_LAYER_MS);
  records.forms.add(formOf(wanted));
  records.forms.addSource(wanted.descriptor.digest, wanted.repository.name, nowMs);
}

function counted(
  source: AsyncIterable<Uint8Array>,
  total: number,
  report: (progress: LayerProgress) => void,
): AsyncIterable<Uint8Array> {
  let current = 0;
  let reported = 0;
  return tap(source, (chunk) => {
    current += chunk.byteLength;
    if (current < total && current - reported < REPORT_BYTES) return;
    reported = current;
    report({ phase: "downloading", current });
    if (current >= total) report({ phase: "verifying" });
  });
}
