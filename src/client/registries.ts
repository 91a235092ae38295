import type { DistributionInspect } from "#api/engine";
import { collect, type EngineClient, type RequestOptions } from "./engine-client.ts";
import { encodeFilters, type Filters } from "./filters.ts";

/** Base64url JSON for `X-Registry-Auth`; without it the registry is asked as anybody. */
export interface RegistryAuth {
  readonly registryAuth?: string | undefined;
}

export interface LoginAnswer {
  readonly status: string;
  /** To be kept in place of the password; empty when the registry gives none. */
  readonly identityToken: string;
}

/** Has the engine try credentials (an AuthConfig of the API) at their registry. */
export async function login(engine: EngineClient, auth: Readonly<Record<string, string>>): Promise<LoginAnswer> {
  const answer = await engine.json<{ Status?: string; IdentityToken?: string }>("POST", "/auth", { json: auth });
  return { status: answer.Status ?? "", identityToken: answer.IdentityToken ?? "" };
}

export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
  readonly is_automated: boolean;
}

export function search(
  engine: EngineClient,
  term: string,
  options: RegistryAuth & { limit?: number; filters?: Filters },
): Promise<SearchResult[]> {
  const query = { term, limit: options.limit || undefined, filters: encodeFilters(options.filters) };
  return engine.json("GET", "/images/search", { query, headers: authHeaders(options) });
}

/** What a name stands for at its registry, and for which platforms. */
export function describe(engine: EngineClient, name: string, options: RegistryAuth): Promise<DistributionInspect> {
  return engine.json("GET", `${route(name)}/json`, { headers: authHeaders(options) });
}

export interface RemoteManifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** The document that a name stands for at its registry. A route of tug's own. */
export async function manifest(engine: EngineClient, name: string, options: RegistryAuth): Promise<RemoteManifest> {
  const response = await engine.request("GET", `${route(name)}/manifest`, { headers: authHeaders(options) });
  return {
    mediaType: response.headers.get("content-type") ?? "",
    digest: response.headers.get("docker-content-digest") ?? "",
    bytes: await collect(response.body),
  };
}

export interface PutManifestOptions extends RegistryAuth {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Another repository of the registry that has what the manifest names. */
  readonly from?: string;
}

/** Puts a document under a name into its registry, and gives its digest. A route of tug's own. */
export async function putManifest(engine: EngineClient, name: string, options: PutManifestOptions): Promise<string> {
  const request: RequestOptions = {
    query: { from: options.from },
    headers: { ...authHeaders(options), "Content-Type": options.mediaType },
    body: once(options.bytes),
  };
  const { digest } = await engine.json<{ digest: string }>("PUT", `${route(name)}/manifest`, request);
  return digest;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

const NO_REGISTRY_AUTH = "e30=";

/** Some engines take a missing header for an old client's request, so nobody says so by an empty object. */
export function authHeaders({ registryAuth }: RegistryAuth): Record<string, string> {
  return { "X-Registry-Auth": registryAuth ?? NO_REGISTRY_AUTH };
}

/** Names keep their slashes: the engine's routes match greedily. */
function route(name: string): string {
  return `/distribution/${name.split("/").map(encodeURIComponent).join("/")}`;
}
