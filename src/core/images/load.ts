import { familiarReference, type Reference } from "#api/distribution";
import { progressText } from "#api/engine";
import { hexOf, MEDIA_TYPES } from "#api/oci";
import type { Lease } from "#core/content";
import { EngineError } from "#lib/errors";
import { addImages, type ImageContent, type ImageSet, withLease } from "./add.ts";
import { ArchiveMembers, type ReadOptions } from "./archive/members.ts";
import { type PlannedImage, type PlannedLayer, type PlannedSet, planImages } from "./archive/plan.ts";
import type { ImagesContext } from "./context.ts";
import { parseImageDocument } from "./document.ts";
import { invalidArchive } from "./errors.ts";
import type { LayerForm } from "./form-records.ts";
import type { ImageDocument, ImageID, Images, Progress } from "./image.ts";
import { emitImageEvent } from "./image-event.ts";
import type { IngestedLayer } from "./ingest/store-layer.ts";
import { platformText } from "./platform.ts";
import { type Report, reporting } from "./reporting.ts";

/** One report for so many bytes of a layer. */
const REPORT_BYTES = 512 * 1024;

/** The verb `load`: what was loaded whole before an error stays. */
export function loadImages(
  context: ImagesContext,
  archive: AsyncIterable<Uint8Array>,
  options: Parameters<Images["load"]>[1],
): AsyncGenerator<Progress> {
  const { quiet, platforms } = options;
  const work = (report: Report, signal: AbortSignal) =>
    withLease(context, async (lease) => {
      const progress = quiet ? () => {} : layerReporter(report);
      await using members = new ArchiveMembers({ context, lease, progress, signal });
      await members.read(archive);
      const sets = await planImages(members, { host: context.platform, ...(platforms ? { platforms } : {}) });
      if (sets.length === 0 && platforms !== undefined) throw noneFor(platforms.map(platformText));
      for (const planned of sets) {
        const set = await complete(context, members, planned);
        signal.throwIfAborted();
        await addSet(context, set, { lease, report });
      }
    });
  return reporting(work, options.signal);
}

async function addSet(
  context: ImagesContext,
  set: ImageSet,
  { lease, report }: { lease: Lease; report: Report },
): Promise<void> {
  const { ids, names } = await addImages(context, set, lease);
  announce(report, ids, names);
  for (const id of ids) emitImageEvent(context, id, "load");
}

/** The layers of the images, all at once, and what is kept beside them. */
async function complete(context: ImagesContext, members: ArchiveMembers, planned: PlannedSet): Promise<ImageSet> {
  const images = await Promise.all(planned.images.map((image) => completeImage(context, members, image)));
  for (const { blobs } of planned.artifacts)
    for (const blob of blobs) await members.keep(`blobs/sha256/${hexOf(blob.digest)}`, blob);
  return {
    images: images.map(({ content }) => content),
    names: planned.names,
    ...(planned.target === undefined ? {} : { target: planned.target }),
    kept: [...planned.artifacts.map(({ bytes }) => ({ bytes })), ...planned.indexes],
    forms: images.flatMap(({ forms }) => forms),
  };
}

interface CompletedImage {
  readonly content: ImageContent;
  readonly forms: readonly Omit<LayerForm, "isCached">[];
}

/** The archive promised what its config says, in this order. */
async function completeImage(
  context: ImagesContext,
  members: ArchiveMembers,
  image: PlannedImage,
): Promise<CompletedImage> {
  const document = parseImageDocument(image.config);
  const { os } = context.platform;
  if (document.os !== "" && document.os !== os) throw invalidArchive(`cannot load ${document.os} image on ${os}`);
  const layers = await Promise.all(image.layers.map(({ path }) => members.layer(path)));
  verify(document, layers);
  const forms = layers.flatMap((layer, index) => formOf(image.layers[index] as PlannedLayer, layer));
  return { content: { ...image, document, layers }, forms };
}

function verify(document: ImageDocument, layers: readonly IngestedLayer[]): void {
  const expected = document.rootfs.diff_ids;
  if (layers.length !== expected.length) {
    throw invalidArchive(`invalid manifest, layers length mismatch: expected ${layers.length}, got ${expected.length}`);
  }
  layers.forEach(({ diffID }, index) => {
    if (diffID === expected[index]) return;
    throw invalidArchive(`invalid diffID for layer ${index}: expected "${expected[index]}", got "${diffID}"`);
  });
}

/** The form in which a manifest lists a layer, checked against the one in which it came. */
function formOf({ descriptor }: PlannedLayer, { diffID, stored }: IngestedLayer): Omit<LayerForm, "isCached">[] {
  if (descriptor === undefined) return [];
  if (descriptor.digest !== stored.digest || descriptor.size !== stored.size) {
    const [expected, got] = [descriptor, stored].map(({ digest, size }) => `"${digest}" of ${size} bytes`);
    throw invalidArchive(`invalid digest of blob: expected ${expected}, got ${got}`);
  }
  const mediaType = stored.compression === undefined ? MEDIA_TYPES.ociLayer : descriptor.mediaType;
  return [{ digest: stored.digest, diffID, bytes: stored.size, mediaType, isOwn: false }];
}

function announce(
  report: Report,
  ids: readonly ImageID[],
  names: readonly { readonly reference: Reference; readonly previous?: ImageID }[],
): void {
  for (const { reference, previous } of names) {
    const name = familiarReference(reference);
    if (previous !== undefined) {
      const stream = `The image ${name} already exists, renaming the old one with ID ${previous} to empty string\n`;
      report({ stream });
    }
    report({ stream: `Loaded image: ${name}\n` });
  }
  if (names.length > 0) return;
  for (const id of ids) report({ stream: `Loaded image ID: ${id}\n` });
}

/** Reports on a layer under the digits of its path: its digest is known only at its end. */
function layerReporter(report: Report): ReadOptions["progress"] {
  const reported = new Map<string, number>();
  return ({ path, current, total }) => {
    if (current < total && current - (reported.get(path) ?? 0) < REPORT_BYTES) return;
    reported.set(path, current);
    report({
      status: "Loading layer",
      progressDetail: { current, total },
      progress: progressText({ current, total }),
      id: /[a-f0-9]{64}/.exec(path)?.[0].slice(0, 12) ?? path.slice(1, 13),
    });
  };
}

function noneFor(platforms: readonly string[]): EngineError {
  return new EngineError("not-found", `archive holds no image for platform ${platforms.join(" or ")}`);
}
