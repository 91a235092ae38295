import { familiarMatch, parseReference } from "#api/distribution";
import { acceptOnly, booleanFilter, type Filters, matchLabels } from "#core/events";
import type { ImagesContext } from "./context.ts";
import { createdNano } from "./created.ts";
import type { Image, ImageDocument, ImageListOptions } from "./image.ts";
import { getImage, presentImage } from "./lookup.ts";
import { manifestSummaries } from "./manifest-summary.ts";
import { timeFilter } from "./time-filter.ts";

/** The verb `list`, newest first. With `reference` an image shows only the names that fit. */
export async function listImages(context: ImagesContext, { filters, manifests }: ImageListOptions): Promise<Image[]> {
  const images = chooseImages(context, filters);
  if (!manifests) return images;
  return await Promise.all(
    images.map(async (image) => ({ ...image, manifests: await manifestSummaries(context, image) })),
  );
}

function chooseImages(context: ImagesContext, filters: Filters): Image[] {
  acceptOnly(filters, ["before", "dangling", "label", "reference", "since", "until"]);
  const dangling = booleanFilter(filters, "dangling");
  const isInTime = creationFilter(context, filters);
  const patterns = filters.get("reference");
  return context.records
    .all()
    .filter((record) => isInTime(record.document))
    .filter((record) => matchLabels(filters, "label", record.document.config?.Labels))
    .map((record) => narrowNames(presentImage(context.records, record), patterns))
    .filter((image) => patterns === undefined || image.tags.length + image.digests.length > 0)
    .filter((image) => dangling === undefined || isShown(image, dangling))
    .sort(newestFirst);
}

/** Dangling images have no tag; `dangling=false` leaves out only those that have no digest either. */
function isShown(image: Image, dangling: boolean): boolean {
  return dangling ? image.tags.length === 0 : image.tags.length + image.digests.length > 0;
}

function narrowNames(image: Image, patterns: readonly string[] | undefined): Image {
  if (patterns === undefined) return image;
  const fits = (name: string) => patterns.some((pattern) => familiarMatch(pattern, parseReference(name)));
  return { ...image, tags: image.tags.filter(fits), digests: image.digests.filter(fits) };
}

/** Made before, and after, each of the images named, and before `until`. */
function creationFilter(context: ImagesContext, filters: Filters): (document: ImageDocument) => boolean {
  const timesOf = (key: string) =>
    (filters.get(key) ?? []).map((reference) => {
      const record = context.records.find(getImage(context.records, reference));
      return record ? createdNano(record.document) : 0n;
    });
  const before = timesOf("before");
  const since = timesOf("since");
  const until = timeFilter(filters, "until", context.clock);
  return (document) => {
    const created = createdNano(document);
    return (
      before.every((time) => created < time) &&
      since.every((time) => created > time) &&
      (until === undefined || created < until)
    );
  };
}

function newestFirst(a: Image, b: Image): number {
  const [left, right] = [createdNano(a.document), createdNano(b.document)];
  if (left === right) return a.id < b.id ? -1 : 1;
  return left > right ? -1 : 1;
}
