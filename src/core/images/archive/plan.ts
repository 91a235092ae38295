import type { Reference } from "#api/distribution";
import type { Descriptor, Digest, Platform } from "#api/oci";
import type { KeptManifest } from "../add.ts";
import { invalidArchive } from "../errors.ts";
import { platformText } from "../platform.ts";
import { planDockerImages } from "./docker.ts";
import { planLegacyImages } from "./legacy.ts";
import type { ArchiveMembers } from "./members.ts";
import { planOciImages } from "./oci.ts";

/** A layer that an archive promises: a path in it, and what the manifest says is there. */
export interface PlannedLayer {
  readonly path: string;
  readonly descriptor?: Descriptor;
}

/** An image that an archive promises, not verified yet. */
export interface PlannedImage {
  readonly config: Uint8Array;
  /** Bottom first, as the manifest lists them. */
  readonly layers: readonly PlannedLayer[];
  /** Its OCI manifest as it was. */
  readonly manifest?: Uint8Array;
  /** As its index says it. */
  readonly platform?: string;
}

/** What some names of an archive stand for: one image, or those of an index. */
export interface PlannedSet {
  readonly names: readonly Reference[];
  readonly images: readonly PlannedImage[];
  /** Digest of the manifest or index. */
  readonly target?: Digest;
  /** What an index lists besides images for this system: attestations, artifacts, images for others. They are kept as they are. */
  readonly artifacts: readonly Artifact[];
  /** Each after what it lists. */
  readonly indexes: readonly KeptManifest[];
}

export interface Artifact {
  readonly bytes: Uint8Array;
  readonly blobs: readonly Descriptor[];
}

export interface PlanOptions {
  readonly host: Platform;
  /** Only images for these; without, all that are there whole. */
  readonly platforms?: readonly Platform[];
}

/**
 * Finds out which images an archive holds. The forms overlap (`docker save` writes an OCI layout that has a `manifest.json` as
 * well), so the one that says most about names goes first.
 *
 * @throws `invalid-parameter`
 */
export async function planImages(members: ArchiveMembers, options: PlanOptions): Promise<PlannedSet[]> {
  if (members.find("manifest.json")) return planDockerImages(members, options);
  if (members.find("index.json")) return planOciImages(members, options);
  if (members.find("repositories")) return await planLegacyImages(members, options);
  throw invalidArchive("archive holds no image: neither manifest.json nor index.json nor repositories is in it");
}

/** Whether a platform (`platformText`) was asked for. */
export function isWanted({ platforms }: PlanOptions, platform: string): boolean {
  return platforms === undefined || platforms.some((wanted) => platformText(wanted) === platform);
}

/** A set of one image, which no index lists. */
export function single(image: PlannedImage, names: readonly Reference[], target?: Digest): PlannedSet {
  return { names, images: [image], artifacts: [], indexes: [], ...(target === undefined ? {} : { target }) };
}
