/**
 * The verb `push`, in Docker's words and order:
 *
 *     name ──▶ index or manifest ──▶ blobs, several at once: there? mounted? sent ──▶ manifests ──▶ tag
 *
 * What came from a registry goes out as it came, digests and all, as long as its compressed layers can be had from somewhere; else,
 * and for what was made here, layers are compressed and a manifest is written for them.
 */
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  repositoryOf,
  type Tag,
} from "#api/distribution";
import type { Digest, Platform } from "#api/oci";
import type { Lease } from "#core/content";
import type { Credentials, RemoteRepository } from "#core/distribution";
import { EngineError } from "#lib/errors";
import { withLease } from "./add.ts";
import { type ImagesContext, nowMsOf } from "./context.ts";
import type { ImageID, Progress, PushOptions } from "./image.ts";
import { emitTransferEvent } from "./image-event.ts";
import { getImage } from "./lookup.ts";
import { parseManifest } from "./manifest-document.ts";
import type { ManifestRecord } from "./manifest-records.ts";
import { type PushedManifest, pushImageParts } from "./push-image.ts";
import { pushIndexParts } from "./push-index.ts";
import type { PlatformImage } from "./records.ts";
import { type Report, reporting } from "./reporting.ts";

/** What the steps of one push share. */
export interface Push {
  readonly context: ImagesContext;
  readonly repository: RemoteRepository;
  readonly credentials?: Credentials;
  readonly lease: Lease;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Blobs of this push, each sent once; false when one is not to be had. */
  readonly sent: Map<Digest, Promise<boolean>>;
}

/** Options are checked before anything is asked. */
export function pushImage(context: ImagesContext, text: string, options: PushOptions): AsyncGenerator<Progress> {
  const reference = parseReference(text);
  const { credentials, platform } = options;
  if (platform) getImage(context.records, text, platform);
  const name = repositoryOf(reference);
  const repository = context.registries.repository(name, { action: "push", ...(credentials ? { credentials } : {}) });
  const work = async (report: Report, signal: AbortSignal) =>
    withLease(context, async (lease) => {
      report({ status: `The push refers to repository [${name}]` });
      const push: Push = {
        context,
        repository,
        lease,
        report,
        signal,
        sent: new Map(),
        ...(credentials ? { credentials } : {}),
      };
      for (const tag of tagsToPush(context, reference)) await pushTag(push, tag, options);
      emitTransferEvent(context, "push", reference);
    });
  return reporting(work, options.signal);
}

/** dockerd's words. */
function tagsToPush({ records }: ImagesContext, reference: Reference): Reference[] {
  if (reference.digest) throw new EngineError("invalid-parameter", "cannot push a digest reference");
  const tags = records.tagsOf(repositoryOf(reference)).map(({ name }) => parseReference(name));
  if (tags.length === 0) {
    throw new EngineError("not-found", `An image does not exist locally with the tag: ${familiarName(reference)}`);
  }
  if (!reference.tag) return tags;
  if (tags.some(({ tag }) => tag === reference.tag)) return [reference];
  throw new EngineError("not-found", `tag does not exist: ${familiarReference(reference)}`);
}

/** What of a name went out. */
interface PushedTag {
  readonly manifest: PushedManifest;
  /** The images that are known by its digest from now on. */
  readonly images: readonly PlatformImage[];
  /** Whether it is all that the name stands for. */
  readonly isTarget: boolean;
}

async function pushTag(push: Push, reference: Reference, { platform }: PushOptions): Promise<void> {
  const { repository, report, signal } = push;
  const pushed = platform
    ? await pushPlatform(push, formatReference(reference), platform)
    : await pushTarget(push, formatReference(reference));
  const { bytes, mediaType, digest } = pushed.manifest;
  await repository.putManifest(reference.tag as Tag, { bytes, mediaType }, signal);
  remember(push, reference, pushed);
  const size = bytes.byteLength;
  report({ status: `${reference.tag}: digest: ${digest} size: ${size}` });
  report({ progressDetail: {}, aux: { Tag: reference.tag, Digest: digest, Size: size } });
}

async function pushTarget(push: Push, name: string): Promise<PushedTag> {
  const { records } = push.context;
  const images = records.imagesOf(name);
  const target = records.findName(name)?.target;
  const known = target && records.manifests.find(target);
  if (known && known.imageID === undefined) return await pushIndex(push, known, images);
  const [image] = images;
  if (!image) throw new EngineError("not-found", `tag does not exist: ${name}`);
  return { manifest: await pushImageParts(push, image.id, target), images: [image], isTarget: true };
}

async function pushPlatform(push: Push, name: string, platform: Platform): Promise<PushedTag> {
  const { records } = push.context;
  const id = getImage(records, name, platform);
  const images = records.imagesOf(name).filter((image) => image.id === id);
  return { manifest: await pushImageParts(push, id), images, isTarget: false };
}

/** Where an index cannot go whole, its only image goes instead, with a note that Docker's command line shows. */
async function pushIndex(push: Push, index: ManifestRecord, images: readonly PlatformImage[]): Promise<PushedTag> {
  const manifest = await pushIndexParts(push, index.digest);
  if (!("missing" in manifest)) return { manifest, images, isTarget: true };
  const { missing } = manifest;
  const [image, ...others] = images;
  if (!image || others.length > 0) {
    push.report({ progressDetail: {}, aux: { contentMissing: true, desc: missing } });
    throw new EngineError(
      "not-found",
      `manifest ${missing.digest} is neither here nor at the registry: pull all platforms of the image, or push one with --platform`,
    );
  }
  const selected = await pushImageParts(push, image.id, await listedManifest(push, index.digest, image.id));
  const aux = {
    manifestPushedInsteadOfIndex: true,
    originalIndex: { mediaType: index.mediaType, digest: index.digest, size: index.bytes },
    selectedManifest: { mediaType: selected.mediaType, digest: selected.digest, size: selected.bytes.byteLength },
  };
  push.report({ progressDetail: {}, aux });
  return { manifest: selected, images: [image], isTarget: false };
}

/** The manifest under which an index lists an image. */
async function listedManifest({ context }: Push, index: Digest, id: ImageID): Promise<Digest | undefined> {
  const document = parseManifest(await context.content.read(index));
  const listed = new Set(document.kind === "index" ? document.entries.map((entry) => entry.digest) : []);
  return context.records.manifests.ofImage(id).find((manifest) => listed.has(manifest.digest))?.digest;
}

/** That the repository has it all, and that the images are known by this digest. */
function remember({ context, repository }: Push, reference: Reference, pushed: PushedTag): void {
  const { records } = context;
  const { digest, parts } = pushed.manifest;
  const nowMs = nowMsOf(context);
  records.transaction(() => {
    for (const part of [digest, ...parts]) records.forms.addSource(part, repository.name, nowMs);
    // Somebody may have taken images or the name away meanwhile.
    const images = pushed.images.filter(({ id }) => records.find(id)?.removed === false);
    if (images.length === 0 || !records.manifests.find(digest)) return;
    const { domain, path } = reference;
    records.setName({ domain, path, digest }, { images, target: digest });
    const held = records.imagesOf(formatReference(reference));
    const isSame = held.length === images.length && images.every(({ id }) => held.some((image) => image.id === id));
    if (pushed.isTarget && isSame) records.setName(reference, { images, target: digest });
  });
}
