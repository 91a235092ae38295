/** OCI image layouts (image-spec "Image Layout"): `index.json` leads to manifests, these to configs and layers. */
import { familiarReference, parseReference, type Reference, withDefaultTag } from "#api/distribution";
import { ANNOTATIONS, hexOf, MEDIA_TYPES, type Platform, parseDigest } from "#api/oci";
import { digestOf } from "#core/content";
import { invalidArchive } from "../errors.ts";
import { JsonValue } from "./json.ts";
import type { ArchiveMembers } from "./members.ts";
import type { PlannedImage } from "./plan.ts";

/** An index may hold indexes; real ones are two deep. */
const DEPTH_LIMIT = 4;
/** Of all indexes of an archive together; more only cost time. */
const MANIFEST_LIMIT = 4096;

/** A manifest and what the way to it said about it. */
interface FoundManifest {
  readonly bytes: Uint8Array;
  readonly manifest: JsonValue;
  readonly platform: Partial<Platform>;
  readonly name: Reference | undefined;
  /** The entry of `index.json` that it was found under. */
  readonly entry: number;
}

export async function planOciImages(members: ArchiveMembers, platform: Platform): Promise<PlannedImage[]> {
  const images: PlannedImage[] = [];
  for (const found of choosePlatform(manifestsOf(members), platform)) {
    const { manifest, name } = found;
    const layers = manifest.get("layers").list();
    images.push({
      config: blob(members, manifest.get("config")),
      layers: await Promise.all(layers.map((layer) => members.layer(blobPath(layer)))),
      names: name ? [name] : [],
      manifest: found.bytes,
    });
  }
  return mergeNames(images);
}

/** All manifests of images that a layout leads to. Attestations and other artifacts are left out. */
export function manifestsOf(members: ArchiveMembers): FoundManifest[] {
  const found: FoundManifest[] = [];
  const index = JsonValue.parse(members.document("index.json"), "index");
  const visit = (list: JsonValue[], depth: number, top?: { entry: number; name: Reference | undefined }) => {
    if (depth > DEPTH_LIMIT) throw invalidArchive(`index.json is more than ${DEPTH_LIMIT} deep`);
    list.forEach((descriptor, position) => {
      if (found.length > MANIFEST_LIMIT) throw invalidArchive(`archive has more than ${MANIFEST_LIMIT} manifests`);
      const { entry, name } = top ?? { entry: position, name: nameOf(descriptor) };
      const platform = platformOf(descriptor);
      // BuildKit lists its attestations beside the images.
      if (platform.os === "unknown" || !isReadable(members, descriptor)) return;
      const bytes = blob(members, descriptor);
      const document = JsonValue.parse(bytes, "manifest");
      if (isIndex(descriptor, document)) visit(document.get("manifests").list(), depth + 1, { entry, name });
      else if (isImage(document)) found.push({ bytes, manifest: document, platform, name, entry });
    });
  };
  visit(index.get("manifests").list(), 1);
  return found;
}

/**
 * The digests that a manifest lists: of its config, then of its layers.
 *
 * @throws `invalid-parameter`
 */
export function blobsOfManifest(bytes: Uint8Array): string[] {
  const manifest = JsonValue.parse(bytes, "manifest");
  const descriptors = [manifest.get("config"), ...manifest.get("layers").list()];
  return descriptors.map((descriptor) => descriptor.get("digest").string());
}

/** `docker save --platform` and others copy an index whole but only some of what it lists. */
function isReadable(members: ArchiveMembers, descriptor: JsonValue): boolean {
  return members.find(blobPath(descriptor)) !== undefined;
}

/** Of the manifests under one entry or one name, that for this machine if there is one; else all of them. */
function choosePlatform(found: readonly FoundManifest[], wanted: Platform): FoundManifest[] {
  const groups = new Map<string, FoundManifest[]>();
  for (const manifest of found) {
    const key = manifest.name ? familiarReference(manifest.name) : `#${manifest.entry}`;
    groups.set(key, [...(groups.get(key) ?? []), manifest]);
  }
  return [...groups.values()].flatMap((group) => {
    const fitting = group.filter(({ platform }) => fits(platform, wanted));
    return fitting.length > 0 ? [bestOf(fitting, wanted)] : group.slice(0, 1);
  });
}

function bestOf(fitting: readonly FoundManifest[], wanted: Platform): FoundManifest {
  const exact = fitting.find(({ platform }) => platform.variant === wanted.variant);
  return exact ?? (fitting[0] as FoundManifest);
}

/** What is not said fits. */
function fits(platform: Partial<Platform>, wanted: Platform): boolean {
  return (
    (platform.os ?? wanted.os) === wanted.os && (platform.architecture ?? wanted.architecture) === wanted.architecture
  );
}

/** One image under several names has several entries; it is loaded once. */
function mergeNames(images: readonly PlannedImage[]): PlannedImage[] {
  const byConfig = new Map<string, PlannedImage>();
  for (const image of images) {
    const digest = digestOf(image.config);
    const before = byConfig.get(digest);
    byConfig.set(digest, { ...image, names: [...(before?.names ?? []), ...image.names] });
  }
  return [...byConfig.values()];
}

/** containerd's annotation holds the whole name; the standard one does when skopeo wrote it, and is a mere tag else. */
function nameOf(descriptor: JsonValue): Reference | undefined {
  const annotations = descriptor.get("annotations");
  if (annotations.isAbsent) return undefined;
  const whole = annotations.get(ANNOTATIONS.imageName).optionalString();
  const perhaps = annotations.get(ANNOTATIONS.refName).optionalString();
  const text = whole ?? (perhaps && /[/:]/.test(perhaps) ? perhaps : undefined);
  if (text === undefined) return undefined;
  const reference = withDefaultTag(parseReference(text));
  return reference.tag ? { domain: reference.domain, path: reference.path, tag: reference.tag } : undefined;
}

function platformOf(descriptor: JsonValue): Partial<Platform> {
  const platform = descriptor.get("platform");
  if (platform.isAbsent) return {};
  const os = platform.get("os").optionalString();
  const architecture = platform.get("architecture").optionalString();
  const variant = platform.get("variant").optionalString();
  return { ...(os ? { os } : {}), ...(architecture ? { architecture } : {}), ...(variant ? { variant } : {}) };
}

function isIndex(descriptor: JsonValue, document: JsonValue): boolean {
  const type = descriptor.get("mediaType").optionalString();
  return type === MEDIA_TYPES.ociIndex || type === MEDIA_TYPES.dockerIndex || !document.get("manifests").isAbsent;
}

function isImage(document: JsonValue): boolean {
  const type = document.get("config").get("mediaType").optionalString();
  return type === undefined || type === MEDIA_TYPES.ociConfig || type === MEDIA_TYPES.dockerConfig;
}

/** The document that a descriptor points at, which must have its digest. */
function blob(members: ArchiveMembers, descriptor: JsonValue): Uint8Array {
  const digest = parseDigest(descriptor.get("digest").string());
  const bytes = members.document(blobPath(descriptor));
  const actual = digestOf(bytes);
  if (actual !== digest) throw invalidArchive(`invalid digest of blob: expected "${digest}", got "${actual}"`);
  return bytes;
}

function blobPath(descriptor: JsonValue): string {
  const digest = parseDigest(descriptor.get("digest").string());
  if (!digest.startsWith("sha256:")) throw invalidArchive(`unsupported digest algorithm of blob "${digest}"`);
  return `blobs/sha256/${hexOf(digest)}`;
}
