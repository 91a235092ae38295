/**
 * Archives from before Docker 1.10: a directory for each layer with `json` and `layer.tar`, linked by `parent`;
 * `repositories` gives names to some. They become images with a config in today's form, as dockerd does it.
 */
import { parseReference, parseTag, type Reference } from "#api/distribution";
import type { DiffID } from "#core/snapshots";
import { parseImageDocument } from "../document.ts";
import { invalidArchive } from "../errors.ts";
import { platformText } from "../platform.ts";
import { JsonValue } from "./json.ts";
import type { ArchiveMembers } from "./members.ts";
import { isWanted, type PlannedSet, type PlanOptions, single } from "./plan.ts";

/** Docker allowed 127. */
const DEPTH_LIMIT = 128;

/** What described one layer and is no part of an image's config. */
const LAYER_FIELDS = ["id", "parent", "Size", "parent_id", "layer_id", "throwaway"];

interface LegacyLayer {
  readonly json: JsonValue;
  readonly path: string;
  readonly diffID: DiffID;
}

export async function planLegacyImages(members: ArchiveMembers, options: PlanOptions): Promise<PlannedSet[]> {
  const named = namesByID(JsonValue.parse(members.document("repositories"), "repositories"));
  const sets: PlannedSet[] = [];
  for (const [id, names] of named) {
    const chain = await readChain(members, id);
    const config = makeConfig(chain);
    if (!isWanted(options, platformText(parseImageDocument(config)))) continue;
    sets.push(single({ config, layers: chain.map(({ path }) => ({ path })) }, names));
  }
  return sets;
}

function namesByID(repositories: JsonValue): Map<string, Reference[]> {
  const result = new Map<string, Reference[]>();
  for (const [repository, tags] of repositories.entries()) {
    const { domain, path } = parseReference(repository);
    for (const [tag, id] of tags.entries()) {
      const name = { domain, path, tag: parseTag(tag) };
      result.set(id.string(), [...(result.get(id.string()) ?? []), name]);
    }
  }
  return result;
}

/** The layers from the bottom to the one that was named. */
async function readChain(members: ArchiveMembers, top: string): Promise<LegacyLayer[]> {
  const chain: LegacyLayer[] = [];
  for (let id: string | undefined = top; id !== undefined && id !== ""; ) {
    if (chain.length >= DEPTH_LIMIT) throw invalidArchive(`image ${top} has more than ${DEPTH_LIMIT} layers`);
    if (!/^[a-f0-9]{64}$/.test(id)) throw invalidArchive(`image ID '${id}' is invalid `);
    const json = JsonValue.parse(members.document(`${id}/json`), `json of ${id}`);
    const path = `${id}/layer.tar`;
    chain.unshift({ json, path, diffID: (await members.layer(path)).diffID });
    id = json.get("parent").optionalString();
  }
  return chain;
}

function makeConfig(chain: readonly LegacyLayer[]): Uint8Array {
  const top = chain.at(-1);
  if (!top) throw invalidArchive("image without a name in repositories");
  const fields = Object.entries(top.json.record()).filter(([name]) => !LAYER_FIELDS.includes(name));
  const config = Object.fromEntries([
    ...fields,
    ["rootfs", { type: "layers", diff_ids: chain.map(({ diffID }) => diffID) }],
    ["history", chain.map(({ json }) => historyOf(json))],
  ]);
  const sorted = Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.from(JSON.stringify(sorted));
}

function historyOf(json: JsonValue): Record<string, unknown> {
  const container = json.get("container_config");
  const command = container.isAbsent ? [] : container.get("Cmd").strings();
  const fields = {
    created: json.get("created").optionalString(),
    author: json.get("author").optionalString(),
    created_by: command.join(" "),
    comment: json.get("comment").optionalString(),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
}
