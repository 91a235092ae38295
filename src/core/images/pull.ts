/**
 * The verb `pull`, in Docker's words and order:
 *
 *     tag or digest ──resolve──▶ index ──platform──▶ manifest ──▶ config ──▶ layers, several at once ──▶ one transaction
 *
 * Data comes before the record, so a pull that ends anywhere shows nothing of itself; its whole layers are kept for the next.
 */
import {
  familiarReference,
  formatReference,
  parseReference,
  parseTag,
  type Reference,
  repositoryOf,
} from "#api/distribution";
import type { Digest, Platform } from "#api/oci";
import { digestOf, type Lease } from "#core/content";
import type { RemoteRepository } from "#core/distribution";
import { EngineError } from "#lib/errors";
import { addImages, type KeptManifest, withLease } from "./add.ts";
import type { ImagesContext } from "./context.ts";
import type { ImageID, Progress, PullOptions } from "./image.ts";
import { emitTransferEvent } from "./image-event.ts";
import { lookupForm } from "./lookup.ts";
import { formatPlatform, parsePlatform, platformRank, platformText } from "./platform.ts";
import { bringImages, layerMessage } from "./pull-images.ts";
import { fetchRoot } from "./pull-manifest.ts";
import { planPull } from "./pull-plan.ts";
import { type Report, reporting } from "./reporting.ts";

/** What the steps of one pull share. */
export interface Pull {
  readonly context: ImagesContext;
  readonly repository: RemoteRepository;
  readonly wanted: WantedPlatform;
  readonly lease: Lease;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Which images of an index are pulled. */
export interface WantedPlatform {
  /** What was asked for, or this machine. */
  readonly platform: Platform;
  /** The same as Docker shows it. */
  readonly shown: string;
  readonly isExplicit: boolean;
  /** All, and what else the index lists. */
  readonly all: boolean;
}

/** Options are checked before anything is asked. */
export function pullImage(context: ImagesContext, text: string, options: PullOptions): AsyncGenerator<Progress> {
  const parsed = parseReference(text);
  const allTags = options.allTags === true;
  if (allTags && (parsed.tag !== undefined || parsed.digest !== undefined)) {
    throw new EngineError("invalid-parameter", "tag can't be used with --all-tags/-a");
  }
  // What a digest names no tag can change: as Docker does, the tag beside it is not looked at.
  const reference = allTags ? parsed : lookupForm(parsed);
  const wanted = wantedPlatform(context, options);
  const { credentials } = options;
  const repository = context.registries.repository(repositoryOf(reference), {
    action: "pull",
    ...(credentials ? { credentials } : {}),
  });
  const work = async (report: Report, signal: AbortSignal) =>
    withLease(context, async (lease) => {
      const pull: Pull = { context, repository, wanted, lease, report, signal };
      const isNew = allTags ? await pullTags(pull, reference) : await pullOne(pull, reference);
      const outcome = isNew ? "Downloaded newer image" : "Image is up to date";
      report({ status: `Status: ${outcome} for ${familiarReference(reference)}` });
      warnOfPlatform(pull, reference);
      emitTransferEvent(context, "pull", reference);
    });
  return reporting(work, options.signal);
}

function wantedPlatform(context: ImagesContext, { platform, allPlatforms }: PullOptions): WantedPlatform {
  const parsed = platform ? parsePlatform(platform, context.platform) : context.platform;
  // Docker repeats what was typed, and a variant that goes without saying only where it was.
  const shown = platform?.includes("/") ? platform.toLowerCase() : formatPlatform(parsed);
  return { platform: parsed, shown, isExplicit: Boolean(platform), all: allPlatforms === true };
}

async function pullTags(pull: Pull, repository: Reference): Promise<boolean> {
  let isNew = false;
  for (const tag of await pull.repository.tags(pull.signal)) {
    isNew = (await pullOne(pull, { ...repository, tag: parseTag(tag) })) || isNew;
  }
  return isNew;
}

/** True when the reference did not mean these images before. */
async function pullOne(pull: Pull, reference: Reference): Promise<boolean> {
  const { context, report, lease } = pull;
  const root = await fetchRoot(pull, reference);
  report({ status: `Pulling from ${reference.path}`, id: reference.tag ?? familiarReference(reference) });
  const { set, fresh } = await bringImages(pull, await planPull(pull, root));
  const { domain, path } = reference;
  const target = root.digest;
  const names = reference.tag ? [reference, { domain, path, digest: target }] : [reference];
  const ids = set.images.map((image) => digestOf(image.config));
  const isNew = !isHeld(context, reference, ids);
  for (const layer of fresh) report(layerMessage(layer, "Extracting", layer.size));
  if (!names.every((name) => isRecorded(context, { name, target, ids, kept: set.kept }))) {
    await addImages(context, { ...set, names, target, source: pull.repository.name }, lease);
  }
  for (const layer of fresh) report(layerMessage(layer, "Pull complete"));
  report({ status: `Digest: ${target}` });
  return isNew;
}

function isHeld({ records }: ImagesContext, name: Reference, ids: readonly ImageID[]): boolean {
  const held = new Set(records.imagesOf(formatReference(name)).map((image) => image.id));
  return ids.every((id) => held.has(id));
}

/** Whether nothing is left to be recorded. */
function isRecorded(
  context: ImagesContext,
  what: { name: Reference; target: Digest; ids: readonly ImageID[]; kept: readonly KeptManifest[] },
): boolean {
  const { name, target, ids, kept } = what;
  const { records } = context;
  return (
    records.findName(formatReference(name))?.target === target &&
    isHeld(context, name, ids) &&
    kept.every(({ bytes }) => records.manifests.find(digestOf(bytes)) !== undefined)
  );
}

/** An image for one platform only is pulled whatever platform was asked for, as by Docker, which says this. */
function warnOfPlatform({ context, wanted, report }: Pull, reference: Reference): void {
  if (!wanted.isExplicit || wanted.all) return;
  const id = context.records.findByName(formatReference(reference));
  const document = id && context.records.find(id)?.document;
  const images = context.records.imagesOf(formatReference(reference));
  if (!document || images.some(({ platform }) => platformRank(platform, wanted.platform) !== undefined)) return;
  report({
    status:
      `WARNING: image with reference ${familiarReference(reference)} was found but its platform ` +
      `(${platformText(document)}) does not match the specified platform (${wanted.shown})`,
  });
}
