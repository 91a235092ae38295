import { formatReference } from "#api/distribution";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { ListStore, noSuchManifest } from "../../manifests/list-store.ts";
import {
  buildIndex,
  formatIndex,
  isIndex,
  type ManifestEntry,
  manifestOf,
  TAB,
} from "../../manifests/manifest-entry.ts";
import { entriesOf, entryOf, fetchDocument, parseManifestName } from "../../manifests/remote.ts";
import { insecureFlag } from "./_flags.ts";

export const inspect = defineCommand({
  usage: "[OPTIONS] [MANIFEST_LIST] MANIFEST",
  summary: "Display an image manifest, or manifest list",
  args: { kind: "between", least: 1, most: 2 },
  flags: {
    insecure: insecureFlag,
    verbose: bool({ short: "v", help: "Output additional info including layers and platform" }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const { stdout } = context.io;
    const store = new ListStore(context.configDirectory);
    const reference = parseManifestName(args.at(-1)!);
    const name = formatReference(reference);
    if (args.length === 2) {
      const entry = store.find(formatReference(parseManifestName(args[0]!)), name);
      if (entry === undefined) throw noSuchManifest(name);
      return stdout.write(`${entryText(entry, flags.verbose)}\n`);
    }
    const local = store.list(name);
    if (local !== undefined) {
      return stdout.write(`${flags.verbose ? tabbed(local) : formatIndex(buildIndex(local))}\n`);
    }
    const remote = await fetchDocument(context, reference);
    const { document } = remote;
    if (!isIndex(document)) {
      stdout.write(`${flags.verbose ? tabbed(await entryOf(context, reference, remote)) : tabbed(document)}\n`);
    } else {
      const text = flags.verbose ? tabbed(await entriesOf(context, reference, document)) : formatIndex(document);
      stdout.write(`${text}\n`);
    }
  },
});

function entryText(entry: ManifestEntry, verbose: boolean): string {
  return tabbed(verbose ? entry : manifestOf(entry));
}

function tabbed(value: unknown): string {
  return JSON.stringify(value, undefined, TAB);
}
