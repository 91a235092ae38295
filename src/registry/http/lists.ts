import { MEDIA_TYPES } from "#api/oci";
import { RegistryError } from "../errors.ts";
import type { Page, Referrer } from "../metadata/manifest-store.ts";
import type { Exchange } from "./exchange.ts";
import { parseBlobDigest } from "./names.ts";

/** Entries of a page, when the client does not say and at most. */
const MAX_ENTRIES = 1000;
/** With their annotations, a page of referrers stays below what clients read of an index. */
const MAX_REFERRERS_BYTES = 3 * 1024 * 1024;

/** GET of `/v2/NAME/tags/list` (end-8). */
export async function listTags(exchange: Exchange, { repository }: { repository: string }): Promise<Response> {
  const { parts } = exchange;
  if (!parts.manifests.hasRepository(repository))
    throw new RegistryError("NAME_UNKNOWN", undefined, { detail: { name: repository } });
  const { names, headers } = page(exchange, `/v2/${repository}/tags/list`, (wanted) =>
    parts.manifests.tags(repository, wanted),
  );
  return Response.json({ name: repository, tags: names }, { headers });
}

/** GET of `/v2/_catalog`, Docker's extension. */
export async function listRepositories(exchange: Exchange): Promise<Response> {
  const { names, headers } = page(exchange, "/v2/_catalog", (wanted) => exchange.parts.manifests.repositories(wanted));
  return Response.json({ repositories: names }, { headers });
}

/** One name more than asked tells whether there is a next page. */
function page(
  { query }: Exchange,
  path: string,
  read: (page: Page) => string[],
): { names: string[]; headers: Record<string, string> } {
  const limit = limitOf(query);
  const last = query.get("last");
  const found = read({ limit: limit + 1, ...(last === null ? {} : { last }) });
  const names = found.slice(0, limit);
  const next = names.at(-1);
  if (found.length <= limit || next === undefined) return { names, headers: {} };
  return { names, headers: linkTo(path, { n: String(limit), last: next }) };
}

function limitOf(query: URLSearchParams): number {
  const text = query.get("n");
  if (text === null) return MAX_ENTRIES;
  if (!/^\d{1,16}$/.test(text))
    throw new RegistryError("PAGINATION_NUMBER_INVALID", undefined, { detail: { n: text } });
  return Math.min(Number(text), MAX_ENTRIES);
}

/** RFC 5988, as the specification asks. */
function linkTo(path: string, parameters: Record<string, string>): Record<string, string> {
  return { Link: `<${path}?${new URLSearchParams(parameters)}>; rel="next"` };
}

/** GET of `/v2/NAME/referrers/DIGEST` (end-12): an index, also where nothing is known of the subject. */
export async function listReferrers(
  exchange: Exchange,
  route: { readonly repository: string; readonly digest: string },
): Promise<Response> {
  const { parts, query } = exchange;
  const subject = parseBlobDigest(route.digest);
  const artifactType = query.get("artifactType") || undefined;
  const last = query.get("last");
  const limit = limitOf(query);
  const filter = artifactType === undefined ? {} : { artifactType };
  const found = parts.manifests.referrers(route.repository, subject, {
    limit: limit + 1,
    ...filter,
    ...(last === null ? {} : { last }),
  });
  const manifests = fitting(found.slice(0, limit));
  const next = manifests.at(-1);
  const link =
    manifests.length < found.length && next !== undefined
      ? linkTo(`/v2/${route.repository}/referrers/${subject}`, { ...filter, n: String(limit), last: next.digest })
      : {};
  return new Response(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }), {
    headers: {
      "Content-Type": MEDIA_TYPES.ociIndex,
      ...(artifactType === undefined ? {} : { "OCI-Filters-Applied": "artifactType" }),
      ...link,
    },
  });
}

/** As many as fit in a response, at least one. */
function fitting(referrers: readonly Referrer[]): Referrer[] {
  let bytes = 0;
  const end = referrers.findIndex((referrer, index) => {
    bytes += Buffer.byteLength(JSON.stringify(referrer));
    return index > 0 && bytes > MAX_REFERRERS_BYTES;
  });
  return referrers.slice(0, end === -1 ? referrers.length : end);
}
