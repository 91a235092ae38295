import { EngineError, messageOf } from "#lib/errors";
import type { SearchOptions, SearchResult } from "./distribution.ts";
import { DOCKER_HUB, registryEndpoint } from "./endpoint.ts";
import { invalidAnswer } from "./errors.ts";
import { follow } from "./follow.ts";
import { isHost } from "./insecure.ts";
import { namesOf } from "./pages.ts";
import { Session, type SessionParts } from "./session.ts";
import { basicAuthorization } from "./tokens.ts";
import { trustOf } from "./trust.ts";

/** Where the search of Docker Hub is. */
const HUB_SEARCH = "https://index.docker.io/";
const SEARCH_HEADERS = { "X-Docker-Token": "true" };
/** Found, or said in one of many ways that there is no such API. */
const NO_SEARCH = [200, 400, 403, 404, 405, 410, 501];
const TIMEOUT_MS = 60_000;
const LIMIT = 100;
const ANSWER_LIMIT_BYTES = 4 * 1024 * 1024;
/** So many names of a catalog are looked at. */
const CATALOG_LIMIT = 100_000;

/** Searches by the v1 API, which Docker Hub and some registries have, else through the names in the catalog. */
export async function searchRegistry(
  parts: SessionParts,
  term: string,
  options: SearchOptions,
): Promise<SearchResult[]> {
  if (/^https?:\/\//i.test(term)) {
    throw invalid(`invalid repository name: repository name (${term}) should not have a scheme`);
  }
  if (!Number.isInteger(options.limit) || options.limit < 1 || options.limit > LIMIT) {
    throw invalid(`limit ${options.limit} is outside the range of [1, ${LIMIT}]`);
  }
  const { host, words } = splitTerm(term);
  return host === DOCKER_HUB
    ? searchHub(parts, words.replace(/^library\//, ""), options)
    : searchOther(parts, words, { ...options, host });
}

/** `example.com/foo` is searched for at example.com, everything else at Docker Hub. */
function splitTerm(term: string): { host: string; words: string } {
  const slash = term.indexOf("/");
  const first = term.slice(0, Math.max(slash, 0));
  if (first !== "localhost" && !/[.:]/.test(first)) return { host: DOCKER_HUB, words: term };
  const isHub = ["docker.io", "index.docker.io"].includes(first);
  if (!isHub && !isHost(first)) throw invalid(`invalid registry host: ${JSON.stringify(first)}`);
  return { host: isHub ? DOCKER_HUB : first, words: term.slice(slash + 1) };
}

async function searchHub({ wire }: SessionParts, words: string, options: SearchOptions): Promise<SearchResult[]> {
  const { credentials = {}, headers = {}, limit, signal } = options;
  const url = new URL(searchPath(words, limit), HUB_SEARCH);
  const authorization = basicAuthorization(credentials);
  await using answer = await follow(wire, url, {
    method: "GET",
    headers: SEARCH_HEADERS,
    privateHeaders: { ...headers, ...(authorization !== undefined && { Authorization: authorization }) },
    trust: await trustOf(DOCKER_HUB, wire.trust),
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  if (answer.status !== 200) throw unexpected(answer.status);
  return readResults(await answer.read(ANSWER_LIMIT_BYTES)).slice(0, limit);
}

interface OtherSearch extends SearchOptions {
  readonly host: string;
}

async function searchOther(parts: SessionParts, words: string, options: OtherSearch): Promise<SearchResult[]> {
  const { host, credentials, headers, limit, signal } = options;
  const session = new Session(parts, {
    endpoint: registryEndpoint(host),
    action: "pull",
    scope: "registry:catalog:*",
    ...(credentials && { credentials }),
    ...(headers && { headers }),
  });
  const target = `/${searchPath(words, limit)}`;
  await using answer = await session.request(target, {
    method: "GET",
    headers: SEARCH_HEADERS,
    signal,
    expect: NO_SEARCH,
  });
  if (answer.status !== 200) return searchCatalog(session, words, options);
  return readResults(await answer.read(ANSWER_LIMIT_BYTES)).slice(0, limit);
}

function searchPath(words: string, limit: number): string {
  return `v1/search?q=${encodeURIComponent(words)}&n=${limit}`;
}

/** Docker Hub's failures are those of the moment, as far as they are its own. */
function unexpected(status: number): EngineError {
  const data = { status, ...((status >= 500 || status === 429) && { temporary: true }) };
  return new EngineError("unavailable", `Unexpected status code ${status}`, { data });
}

function readResults(bytes: Uint8Array): SearchResult[] {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw invalidAnswer(`error decoding registry search results: ${messageOf(cause)}`);
  }
  const results = (document as { results?: unknown } | null)?.results ?? [];
  if (!Array.isArray(results)) throw invalidAnswer("error decoding registry search results: there is no list of them");
  return results.flatMap((entry: unknown) => {
    const { name, description, star_count, is_official, is_automated } = (entry ?? {}) as Record<string, unknown>;
    if (typeof name !== "string") return [];
    return [
      {
        name,
        description: typeof description === "string" ? description : "",
        starCount: Number.isSafeInteger(star_count) ? (star_count as number) : 0,
        isOfficial: is_official === true,
        isAutomated: is_automated === true,
      },
    ];
  });
}

/** Named so that they can be pulled as they stand here. */
async function searchCatalog(
  session: Session,
  words: string,
  { host, limit, signal }: OtherSearch,
): Promise<SearchResult[]> {
  const results: SearchResult[] = [];
  let seen = 0;
  for await (const name of namesOf(session, "/v2/_catalog", { field: "repositories", signal })) {
    seen += 1;
    if (name.includes(words)) {
      results.push({ name: `${host}/${name}`, description: "", starCount: 0, isOfficial: false, isAutomated: false });
    }
    if (results.length === limit || seen === CATALOG_LIMIT) break;
  }
  return results;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
