import {
  formatReference,
  parseDigestOrReference,
  parseReference,
  type Reference,
  type RepositoryName,
  repositoryOf,
  type Tag,
  withDefaultTag,
} from "#api/distribution";
import type { Digest } from "#api/oci";
import { placeManifest, type Registries, type SearchResult } from "#core/distribution";
import { acceptOnly, booleanFilter, type Filters, parseFilters } from "#core/events";
import type { Images } from "#core/images";
import type { HttpResponse } from "#lib/http";
import { invalid } from "../errors.ts";
import { readBytes, readObject } from "../json-body.ts";
import { metaHeaders, readCredentials, registryAuth } from "../registry-auth.ts";
import { json } from "../reply.ts";
import { type ApiRequest, get, post, put, type Route } from "../router.ts";

interface RegistryParts {
  readonly registries: Pick<Registries, "login" | "search" | "repository">;
  readonly images: Pick<Images, "remoteManifest">;
}

/** As much as the search of Docker Hub gives at once. */
const SEARCH_LIMIT = 100;
const SEARCH_DEFAULT = 25;
/** The size of a manifest that every registry must take (distribution-spec "Pushing Manifests"). */
const MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024;

/** What is asked of registries without a pull or a push: login, search, manifests. */
export function registryRoutes({ registries, images }: RegistryParts): Route[] {
  return [
    post("/auth", (request) => login(registries, request)),
    get("/images/search", (request) => search(registries, request)),
    get("/distribution/{name}/json", (request) => describe(images, request)),
    // Ours: what `manifest` of the command line reads and writes, so that it needs no registry client of its own.
    get("/distribution/{name}/manifest", (request) => manifest(registries, request)),
    put("/distribution/{name}/manifest", (request) => putManifest(registries, request)),
  ];
}

async function login(registries: Pick<Registries, "login">, request: ApiRequest): Promise<HttpResponse> {
  const credentials = readCredentials(await readObject(request)) ?? {};
  const { status, identityToken } = await registries.login(credentials, request.signal);
  return json({ IdentityToken: identityToken, Status: status });
}

async function search(registries: Pick<Registries, "search">, request: ApiRequest): Promise<HttpResponse> {
  const { query, signal } = request;
  const filters = parseFilters(query.text("filters"));
  const fits = searchFilter(filters);
  const credentials = registryAuth(request);
  const found = await registries.search(query.text("term"), {
    limit: searchLimit(query.text("limit")),
    headers: metaHeaders(request),
    ...(credentials && { credentials }),
    signal,
  });
  return json(found.filter(fits).map(searchItem));
}

/** Absent and 0 are the same, as for Docker's clients that leave the number at its zero. */
function searchLimit(text: string): number {
  if (text === "") return SEARCH_DEFAULT;
  if (!/^[+-]?\d+$/.test(text)) {
    throw invalid(`invalid limit specified: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const limit = Number(text) || SEARCH_DEFAULT;
  if (limit < 1 || limit > SEARCH_LIMIT) throw invalid(`limit ${limit} is outside the range of [1, ${SEARCH_LIMIT}]`);
  return limit;
}

function searchFilter(filters: Filters): (result: SearchResult) => boolean {
  acceptOnly(filters, ["is-automated", "is-official", "stars"]);
  // Docker Hub has no automated builds any more: whatever it says, nothing is one.
  const wantsAutomated = booleanFilter(filters, "is-automated") === true;
  const isOfficial = booleanFilter(filters, "is-official");
  const stars = Math.max(0, ...(filters.get("stars") ?? []).map(parseStars));
  return (result) =>
    !wantsAutomated && (isOfficial === undefined || result.isOfficial === isOfficial) && result.starCount >= stars;
}

function parseStars(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw invalid(`invalid filter 'stars=${text}': strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function searchItem({ starCount, isOfficial, name, description }: SearchResult): Record<string, unknown> {
  return { star_count: starCount, is_official: isOfficial, name, is_automated: false, description };
}

async function describe(images: Pick<Images, "remoteManifest">, request: ApiRequest): Promise<HttpResponse> {
  const credentials = registryAuth(request);
  const { descriptor, platforms } = await images.remoteManifest(formatReference(remoteReference(request)), {
    ...(credentials && { credentials }),
    signal: request.signal,
  });
  return json({ Descriptor: descriptor, Platforms: platforms });
}

/** The document as the registry has it. */
async function manifest(registries: Pick<Registries, "repository">, request: ApiRequest): Promise<HttpResponse> {
  const reference = remoteReference(request);
  const credentials = registryAuth(request);
  const repository = registries.repository(repositoryOf(reference), {
    action: "pull",
    headers: metaHeaders(request),
    ...(credentials && { credentials }),
  });
  const { descriptor, bytes } = await repository.manifest(tagOrDigest(reference), request.signal);
  const headers = { "Content-Type": descriptor.mediaType, "Docker-Content-Digest": descriptor.digest };
  return { status: 200, headers, body: bytes };
}

/** Puts a document into a registry; `from` is the repository that has its blobs. */
async function putManifest(registries: Pick<Registries, "repository">, request: ApiRequest): Promise<HttpResponse> {
  const reference = remoteReference(request);
  const mediaType = request.headers.get("content-type") ?? "";
  if (mediaType === "") throw invalid("put manifest: Content-Type must name its media type");
  const bytes = await readBytes(request.body, MANIFEST_LIMIT_BYTES);
  const from = request.query.text("from");
  const credentials = registryAuth(request);
  const digest = await placeManifest(registries, {
    name: repositoryOf(reference),
    reference: tagOrDigest(reference),
    bytes,
    mediaType,
    ...(from !== "" && { from: sourceOf(from, reference) }),
    ...(credentials && { credentials }),
    signal: request.signal,
  });
  return json({ mediaType, digest, size: bytes.length }, 201);
}

/** @throws EngineError `invalid-parameter` for an ID, which no registry knows */
function remoteReference({ params }: ApiRequest): Reference {
  const parsed = parseDigestOrReference(params.name ?? "");
  if (typeof parsed === "string") throw invalid("no manifest found for full image ID");
  return withDefaultTag(parsed);
}

function tagOrDigest({ tag, digest }: Reference): Tag | Digest {
  return digest ?? (tag as Tag);
}

/** Blobs go from one repository to another inside a registry; between registries an image is pulled and pushed. */
function sourceOf(text: string, target: Reference): RepositoryName {
  const source = parseReference(text);
  if (source.domain !== target.domain) {
    throw invalid(
      `cannot use source images from a different registry than the target image: ${source.domain} != ${target.domain}`,
    );
  }
  return repositoryOf(source);
}
