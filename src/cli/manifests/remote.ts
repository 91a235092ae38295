import { formatReference, parseReference, type Reference, repositoryOf, withDefaultTag } from "#api/distribution";
import type { Digest, Index, Manifest, Platform } from "#api/oci";
import { registries } from "#client";
import { EngineError, isKind, messageOf } from "#lib/errors";
import type { Context } from "../context.ts";
import { registryAuth } from "../credentials/stores.ts";
import { isIndex, type ManifestEntry, orderPlatform } from "./manifest-entry.ts";

/** What a name stands for at its registry: a document, and the bytes that it is. */
export interface RemoteDocument {
  readonly document: Manifest | Index;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** The reference that a user means, with its tag. @throws EngineError `invalid-parameter` */
export function parseManifestName(text: string): Reference {
  return withDefaultTag(parseReference(text));
}

/** The same in full; what is wrong with it is told after `complaint`. */
export function manifestName(text: string, complaint: string): string {
  try {
    return formatReference(parseManifestName(text));
  } catch (cause) {
    throw new EngineError("invalid-parameter", `${complaint} ${text}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Fetches a document by the engine, which knows how its registries are reached.
 *
 * @throws EngineError `not-found` "no such manifest: NAME"
 */
export async function fetchDocument(context: Context, reference: Reference): Promise<RemoteDocument> {
  const name = formatReference(reference);
  const auth = { registryAuth: await registryAuth(context, reference.domain) };
  const { bytes, mediaType, digest } = await registries
    .manifest(await context.engine(), name, auth)
    .catch((error) => Promise.reject(missing(error, name)));
  return { document: parseDocument(bytes, name), mediaType, digest: digest as Digest, bytes };
}

/** A manifest of one platform, as lists keep it. The registry's config tells which platform that is. */
export async function entryOf(context: Context, reference: Reference, remote: RemoteDocument): Promise<ManifestEntry> {
  const auth = { registryAuth: await registryAuth(context, reference.domain) };
  const { Platforms: platforms } = await registries.describe(await context.engine(), formatReference(reference), auth);
  return toEntry(formatReference(reference), remote, platforms?.[0] as Platform | undefined);
}

/** Every manifest that an index lists, with the platforms that it says. */
export async function entriesOf(context: Context, reference: Reference, index: Index): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  for (const { digest, platform } of index.manifests) {
    const { domain, path } = reference;
    const remote = await fetchDocument(context, { domain, path, digest });
    entries.push(toEntry(`${formatReference(reference)}@${digest}`, remote, platform));
  }
  return entries;
}

function toEntry(name: string, remote: RemoteDocument, platform: Platform | undefined): ManifestEntry {
  const { document, mediaType, digest, bytes } = remote;
  if (isIndex(document)) throw new EngineError("invalid-parameter", `${name} is a manifest list`);
  const format = mediaType.startsWith("application/vnd.oci.") ? "OCIManifest" : "SchemaV2Manifest";
  return {
    Ref: name,
    Descriptor: { mediaType, digest, size: bytes.length, ...(platform && { platform: orderPlatform(platform) }) },
    Raw: Buffer.from(bytes).toString("base64"),
    [format]: document,
  };
}

/** Puts a document under a reference, blobs from `from` where that is another repository, and gives its digest. */
export async function putDocument(
  context: Context,
  reference: Reference,
  { mediaType, bytes, from }: { mediaType: string; bytes: Uint8Array; from?: Reference },
): Promise<string> {
  const isElsewhere = from !== undefined && repositoryOf(from) !== repositoryOf(reference);
  return registries.putManifest(await context.engine(), formatReference(reference), {
    mediaType,
    bytes,
    ...(isElsewhere && { from: repositoryOf(from) }),
    registryAuth: await registryAuth(context, reference.domain),
  });
}

function missing(error: unknown, name: string): unknown {
  if (!isKind(error, "not-found")) return error;
  // Other engines have no such route at all.
  const isForeign = error.message.endsWith("page not found");
  const text = isForeign ? `manifest ${name}: this engine does not hand out manifests` : `no such manifest: ${name}`;
  return new EngineError("not-found", text, { cause: error });
}

function parseDocument(bytes: Uint8Array, name: string): Manifest | Index {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === "object" && value !== null) return value as Manifest | Index;
    throw new Error("no JSON object");
  } catch (cause) {
    throw new EngineError("internal", `manifest ${name}: ${messageOf(cause)}`, { cause });
  }
}
