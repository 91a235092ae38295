import type { Reference } from "#api/distribution";
import type { Platform } from "#api/oci";
import { invalidArchive } from "../errors.ts";
import type { StoredLayer } from "../records.ts";
import { planDockerImages } from "./docker.ts";
import { planLegacyImages } from "./legacy.ts";
import type { ArchiveMembers } from "./members.ts";
import { planOciImages } from "./oci.ts";

/** An image that an archive promises, not verified yet. */
export interface PlannedImage {
  readonly config: Uint8Array;
  /** Bottom first, as the manifest lists them. */
  readonly layers: readonly StoredLayer[];
  readonly names: readonly Reference[];
  /** Its OCI manifest as it was. */
  readonly manifest?: Uint8Array;
}

/**
 * Finds out which images an archive holds. The forms overlap (`docker save` writes an OCI layout that has a
 * `manifest.json` as well), so the one that says most about names goes first.
 *
 * @throws `invalid-parameter`
 */
export async function planImages(members: ArchiveMembers, platform: Platform): Promise<PlannedImage[]> {
  if (members.find("manifest.json")) return await planDockerImages(members);
  if (members.find("index.json")) return await planOciImages(members, platform);
  if (members.find("repositories")) return await planLegacyImages(members);
  throw invalidArchive("archive holds no image: neither manifest.json nor index.json nor repositories is in it");
}
