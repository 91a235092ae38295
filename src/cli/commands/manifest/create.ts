import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { ListStore } from "../../manifests/list-store.ts";
import { entryOf, fetchDocument, manifestName, parseManifestName } from "../../manifests/remote.ts";
import { insecureFlag } from "./_flags.ts";

export const create = defineCommand({
  usage: "MANIFEST_LIST MANIFEST [MANIFEST...]",
  summary: "Create a local manifest list for annotating and pushing to a registry",
  args: { kind: "at-least", count: 2 },
  flags: {
    amend: bool({ short: "a", help: "Amend an existing manifest list" }),
    insecure: insecureFlag,
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const [list = "", ...manifests] = args;
    const target = manifestName(list, "error parsing name for manifest list");
    const store = new ListStore(context.configDirectory);
    if (store.has(target) && !flags.amend) {
      throw new EngineError("conflict", "refusing to amend an existing manifest list with no --amend flag");
    }
    // All are found before any is kept: a list is not left half made.
    const entries = [];
    for (const manifest of manifests) {
      const name = manifestName(manifest, "error parsing name for manifest");
      const known = store.find(target, name);
      const reference = parseManifestName(manifest);
      entries.push({
        name,
        entry: known ?? (await entryOf(context, reference, await fetchDocument(context, reference))),
      });
    }
    for (const { name, entry } of entries) await store.save(target, name, entry);
    context.io.stdout.write(`Created manifest list ${target}\n`);
  },
});
