import { formatReference, parseReference, type Reference, repositoryOf } from "#api/distribution";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool } from "../../flags/flag.ts";
import { ListStore, noSuchManifest } from "../../manifests/list-store.ts";
import { buildIndex, checkPlatform, formatIndex, type ManifestEntry } from "../../manifests/manifest-entry.ts";
import { parseManifestName, putDocument } from "../../manifests/remote.ts";
import { insecureFlag } from "./_flags.ts";

export const push = defineCommand({
  usage: "[OPTIONS] MANIFEST_LIST",
  summary: "Push a manifest list to a repository",
  args: { kind: "exactly", count: 1 },
  flags: {
    insecure: insecureFlag,
    purge: bool({ short: "p", help: "Remove the local manifest list after push" }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const target = parseManifestName(args[0]!);
    const name = formatReference(target);
    const store = new ListStore(context.configDirectory);
    const entries = store.list(name);
    if (entries === undefined || entries.length === 0) throw noSuchManifest(name);
    for (const entry of entries) check(entry, target);
    for (const entry of entries) await pushEntry(context, entry, target);
    const index = buildIndex(entries);
    const bytes = Buffer.from(formatIndex(index));
    const digest = await putDocument(context, target, { mediaType: index.mediaType ?? "", bytes });
    if (flags.purge) store.remove(name);
    context.io.stdout.write(`${digest}\n`);
  },
});

function check(entry: ManifestEntry, target: Reference): void {
  checkPlatform(entry);
  const { domain } = sourceOf(entry);
  if (domain === target.domain) return;
  const message = `cannot use source images from a different registry than the target image: ${domain} != ${target.domain}`;
  throw new EngineError("invalid-parameter", message);
}

/** A list may name only what is in its own repository. */
async function pushEntry(context: Context, entry: ManifestEntry, { domain, path }: Reference): Promise<void> {
  const { mediaType, digest } = entry.Descriptor;
  const reference = { domain, path, digest };
  const bytes = Buffer.from(entry.Raw, "base64");
  const pushed = await putDocument(context, reference, { mediaType, bytes, from: sourceOf(entry) });
  context.io.stdout.write(`Pushed ref ${repositoryOf(reference)}@${digest} with digest: ${pushed}\n`);
}

function sourceOf(entry: ManifestEntry): Reference {
  return parseReference(entry.Ref);
}
