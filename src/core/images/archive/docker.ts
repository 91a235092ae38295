/** Archives of `docker save`: `manifest.json` lists the images. */
import { parseReference, type Reference } from "#api/distribution";
import { digestOf } from "#core/content";
import { isKind } from "#lib/errors";
import { invalidArchive } from "../errors.ts";
import { JsonValue } from "./json.ts";
import type { ArchiveMembers } from "./members.ts";
import { blobsOfManifest, manifestsOf } from "./oci.ts";
import type { PlannedImage } from "./plan.ts";

export async function planDockerImages(members: ArchiveMembers): Promise<PlannedImage[]> {
  const manifest = JsonValue.parse(members.document("manifest.json"), "manifest");
  if (manifest.isAbsent) throw invalidArchive("invalid manifest, manifest cannot be null (but can be [])");
  const manifests = manifestsByConfig(members);
  const images: PlannedImage[] = [];
  for (const item of manifest.list()) {
    const config = members.document(item.get("Config").string());
    const layers = await Promise.all(
      item
        .get("Layers")
        .strings()
        .map((path) => members.layer(path)),
    );
    const original = manifests.get(digestOf(config));
    const names = item.get("RepoTags").strings().map(parseTagged);
    images.push({ config, layers, names, ...(original ? { manifest: original } : {}) });
  }
  return images;
}

/**
 * Since version 25 the archive is an OCI layout too; then the images have manifests, which are worth keeping. dockerd
 * does not look at that part, so whatever is wrong with it is no reason to refuse the archive.
 */
function manifestsByConfig(members: ArchiveMembers): Map<string, Uint8Array> {
  try {
    const found = members.find("index.json") ? manifestsOf(members) : [];
    return new Map(found.map(({ bytes }) => [blobsOfManifest(bytes)[0] ?? "", bytes]));
  } catch (error) {
    if (isKind(error, "invalid-parameter")) return new Map();
    throw error;
  }
}

function parseTagged(text: string): Reference {
  const reference = parseReference(text);
  if (!reference.tag) throw invalidArchive(`invalid tag "${text}"`);
  return { domain: reference.domain, path: reference.path, tag: reference.tag };
}
