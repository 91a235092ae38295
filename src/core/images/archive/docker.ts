/** Archives of `docker save`: `manifest.json` lists the images. */
import { parseReference, type Reference } from "#api/distribution";
import { digestOf } from "#core/content";
import { isKind } from "#lib/errors";
import { parseImageDocument } from "../document.ts";
import { invalidArchive } from "../errors.ts";
import { platformText } from "../platform.ts";
import { JsonValue } from "./json.ts";
import type { ArchiveMembers } from "./members.ts";
import { planOciImages } from "./oci.ts";
import { isWanted, type PlannedImage, type PlannedSet, type PlanOptions, single } from "./plan.ts";

/**
 * Since version 25 the archive is an OCI layout too; then the images have manifests and perhaps an index with images for other
 * platforms, which are worth keeping. The names are those of `manifest.json`.
 */
export function planDockerImages(members: ArchiveMembers, options: PlanOptions): PlannedSet[] {
  const manifest = JsonValue.parse(members.document("manifest.json"), "manifest");
  if (manifest.isAbsent) throw invalidArchive("invalid manifest, manifest cannot be null (but can be [])");
  const layout = findLayout(members, options);
  const items = manifest.list();
  if (items.length === 0) return layout;
  const sets = new Map<PlannedSet, PlannedSet>();
  for (const item of items) {
    const image = { config: members.document(item.get("Config").string()), layers: layersOf(item) };
    const names = item.get("RepoTags").strings().map(parseTagged);
    const set = findSet(layout, image) ?? single(image, []);
    if (set.images.length === 1 && !isWanted(options, platformText(parseImageDocument(image.config)))) continue;
    const before = sets.get(set)?.names ?? [];
    sets.set(set, { ...set, names: [...before, ...names] });
  }
  return [...sets.values()];
}

function layersOf(item: JsonValue): { path: string }[] {
  return item
    .get("Layers")
    .strings()
    .map((path) => ({ path }));
}

/** dockerd does not look at that part, so whatever is wrong with it is no reason to refuse the archive. */
function findLayout(members: ArchiveMembers, options: PlanOptions): PlannedSet[] {
  try {
    return members.find("index.json") ? planOciImages(members, options) : [];
  } catch (error) {
    if (isKind(error, "invalid-parameter")) return [];
    throw error;
  }
}

/** What the layout makes of an image: with its manifest, and among the others of its index. */
function findSet(layout: readonly PlannedSet[], { config }: PlannedImage): PlannedSet | undefined {
  const id = digestOf(config);
  return layout.find((set) => set.images.some((image) => digestOf(image.config) === id));
}

function parseTagged(text: string): Reference {
  const reference = parseReference(text);
  if (!reference.tag) throw invalidArchive(`invalid tag "${text}"`);
  return { domain: reference.domain, path: reference.path, tag: reference.tag };
}
