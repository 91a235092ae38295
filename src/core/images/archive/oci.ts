/** OCI image layouts (image-spec "Image Layout"): `index.json` leads to manifests, these to configs and layers. */
import { formatReference, parseReference, type Reference, withDefaultTag } from "#api/distribution";
import { ANNOTATIONS, type Descriptor, type Digest, hexOf } from "#api/oci";
import { digestOf } from "#core/content";
import type { KeptManifest } from "../add.ts";
import { parseImageDocument } from "../document.ts";
import { invalidArchive } from "../errors.ts";
import {
  attestedManifest,
  type IndexDocument,
  isForeign,
  isImageManifest,
  type ManifestDocument,
  parseManifest,
} from "../manifest-document.ts";
import { platformText } from "../platform.ts";
import type { ArchiveMembers } from "./members.ts";
import { type Artifact, isWanted, type PlannedImage, type PlannedSet, type PlanOptions, single } from "./plan.ts";

/** An index may hold indexes; real ones are two deep. */
const DEPTH_LIMIT = 4;
/** Of all indexes of an archive together; more only cost time. */
const MANIFEST_LIMIT = 4096;

export function planOciImages(members: ArchiveMembers, options: PlanOptions): PlannedSet[] {
  return new LayoutPlan(members, options).sets();
}

class LayoutPlan {
  readonly #members: ArchiveMembers;
  readonly #options: PlanOptions;
  #manifests = 0;

  constructor(members: ArchiveMembers, options: PlanOptions) {
    this.#members = members;
    this.#options = options;
  }

  sets(): PlannedSet[] {
    const top = parseManifest(this.#members.document("index.json"));
    if (top.kind !== "index") throw invalidArchive("index.json is no index");
    const sets = top.entries.flatMap((entry) => {
      const set = this.#members.has(pathOf(entry)) ? this.#set(entry) : undefined;
      return set === undefined || set.images.length === 0 ? [] : [set];
    });
    return mergeNames(mergePlatforms(sets));
  }

  #set(entry: Descriptor): PlannedSet | undefined {
    const bytes = this.#blob(entry);
    const document = parseManifest(bytes, entry.mediaType || undefined);
    const names = nameOf(entry);
    if (document.kind === "manifest") {
      const isImage = isImageManifest(document) && !attestedManifest(entry);
      return isImage ? this.#single(entry, { bytes, document, names }) : undefined;
    }
    const found = new IndexContent();
    this.#visit({ bytes, document }, found, 1);
    if (found.images.size === 0 && found.missing !== undefined && this.#options.platforms === undefined)
      throw invalidArchive(`no such file in archive: ${found.missing}`);
    return { names, ...found.planned(), target: entry.digest };
  }

  #single(
    entry: Descriptor,
    { bytes, document, names }: { bytes: Uint8Array; document: ManifestDocument; names: readonly Reference[] },
  ): PlannedSet | undefined {
    const image = this.#image({ bytes, document }, entry);
    return isWanted(this.#options, platformOf(image)) ? single(image, names, entry.digest) : undefined;
  }

  /** The entries of an index that are in the archive whole: tools copy an index as it is, but only some of what it lists. */
  #visit(
    { bytes, document }: { bytes: Uint8Array; document: IndexDocument },
    found: IndexContent,
    depth: number,
  ): void {
    if (depth > DEPTH_LIMIT) throw invalidArchive(`index.json is more than ${DEPTH_LIMIT} deep`);
    const entries = document.entries.filter((entry) => this.#visitEntry(entry, found, depth));
    found.indexes.push({ bytes, entries: entries.map(({ digest }) => digest) });
  }

  /** @returns whether it is kept */
  #visitEntry(entry: Descriptor, found: IndexContent, depth: number): boolean {
    if (++this.#manifests > MANIFEST_LIMIT) throw invalidArchive(`archive has more than ${MANIFEST_LIMIT} manifests`);
    if (!this.#members.has(pathOf(entry))) return false;
    const bytes = this.#blob(entry);
    const document = parseManifest(bytes, entry.mediaType || undefined);
    if (document.kind === "index") {
      this.#visit({ bytes, document }, found, depth + 1);
      return true;
    }
    const blobs = [document.config, ...document.layers].filter((blob) => !isForeign(blob));
    const missing = blobs.find((blob) => !this.#members.has(pathOf(blob)));
    if (missing !== undefined) {
      found.missing ??= pathOf(missing);
      return false;
    }
    if (this.#isOurs(entry, document)) return this.#placeImage(entry, { bytes, document }, found);
    // What describes an image goes with it.
    const of = attestedManifest(entry);
    if (of === undefined ? this.#options.platforms !== undefined : !found.digests.has(of)) return false;
    found.artifacts.push({ bytes, blobs });
    return true;
  }

  #isOurs(entry: Descriptor, document: ManifestDocument): boolean {
    const os = entry.platform?.os || this.#options.host.os;
    return os === this.#options.host.os && !attestedManifest(entry) && isImageManifest(document);
  }

  /** Of several images for one platform the first is it, and the others are kept as they are. */
  #placeImage(
    entry: Descriptor,
    { bytes, document }: { bytes: Uint8Array; document: ManifestDocument },
    found: IndexContent,
  ): boolean {
    const image = this.#image({ bytes, document }, entry);
    const platform = platformOf(image);
    if (!isWanted(this.#options, platform)) return false;
    found.digests.add(entry.digest);
    if (found.images.has(platform)) found.artifacts.push({ bytes, blobs: [document.config, ...document.layers] });
    else found.images.set(platform, image);
    return true;
  }

  #image({ bytes, document }: { bytes: Uint8Array; document: ManifestDocument }, entry: Descriptor): PlannedImage {
    return {
      config: this.#blob(document.config),
      layers: document.layers.map((descriptor) => ({ path: pathOf(descriptor), descriptor })),
      manifest: bytes,
      ...(entry.platform?.os && entry.platform.architecture ? { platform: platformText(entry.platform) } : {}),
    };
  }

  /** The document that a descriptor points at, which must have its digest. */
  #blob(descriptor: Descriptor): Uint8Array {
    const bytes = this.#members.document(pathOf(descriptor));
    const actual = digestOf(bytes);
    if (actual === descriptor.digest) return bytes;
    throw invalidArchive(`invalid digest of blob: expected "${descriptor.digest}", got "${actual}"`);
  }
}

/** What an index of the archive leads to. */
class IndexContent {
  readonly images = new Map<string, PlannedImage>();
  /** Of the manifests of images. */
  readonly digests = new Set<Digest>();
  readonly artifacts: Artifact[] = [];
  readonly indexes: KeptManifest[] = [];
  /** The first blob that an image would have needed. */
  missing: string | undefined;

  planned(): Pick<PlannedSet, "images" | "artifacts" | "indexes"> {
    return { images: [...this.images.values()], artifacts: this.artifacts, indexes: this.indexes };
  }
}

/** Images of one name that no index holds together, as old tools list them. */
function mergePlatforms(sets: readonly PlannedSet[]): PlannedSet[] {
  const byName = new Map<string, PlannedSet>();
  const rest: PlannedSet[] = [];
  for (const set of sets) {
    const [name] = set.names;
    if (name === undefined || set.indexes.length > 0) {
      rest.push(set);
      continue;
    }
    const key = formatReference(name);
    const before = byName.get(key);
    byName.set(key, before === undefined ? set : withoutTarget(before, addPlatforms(before.images, set.images)));
  }
  return [...byName.values(), ...rest];
}

function addPlatforms(images: readonly PlannedImage[], others: readonly PlannedImage[]): PlannedImage[] {
  const platforms = new Set(images.map(platformOf));
  return [...images, ...others.filter((image) => !platforms.has(platformOf(image)))];
}

/** More than one image is what no single manifest stands for. */
function withoutTarget({ target, ...set }: PlannedSet, images: readonly PlannedImage[]): PlannedSet {
  return { ...set, images, ...(images.length === 1 && target !== undefined ? { target } : {}) };
}

/** One image under several names has several entries; it is loaded once. */
function mergeNames(sets: readonly PlannedSet[]): PlannedSet[] {
  const merged = new Map<unknown, PlannedSet>();
  for (const set of sets) {
    const before = merged.get(set.target);
    const key = set.target ?? set;
    merged.set(key, before && set.target ? { ...before, names: [...before.names, ...set.names] } : set);
  }
  return [...merged.values()];
}

function platformOf({ platform, config }: PlannedImage): string {
  return platform ?? platformText(parseImageDocument(config));
}

/** containerd's annotation holds the whole name; the standard one does when skopeo wrote it, and is a mere tag else. */
function nameOf({ annotations = {} }: Descriptor): Reference[] {
  const perhaps = annotations[ANNOTATIONS.refName];
  const text = annotations[ANNOTATIONS.imageName] ?? (perhaps && /[/:]/.test(perhaps) ? perhaps : undefined);
  if (text === undefined) return [];
  const reference = withDefaultTag(parseReference(text));
  return reference.tag ? [{ domain: reference.domain, path: reference.path, tag: reference.tag }] : [];
}

function pathOf({ digest }: Descriptor): string {
  return `blobs/sha256/${hexOf(digest)}`;
}
