import { errorResponse, RegistryError, registryErrorOf } from "../errors.ts";
import type { Parts } from "../parts.ts";
import type { Action, Peer, Scope } from "../registry.ts";
import { deleteBlob, getBlob } from "./blobs.ts";
import type { Exchange } from "./exchange.ts";
import { listReferrers, listRepositories, listTags } from "./lists.ts";
import { deleteManifest, getManifest, putManifest } from "./manifests.ts";
import { isRepository, parseRepository } from "./names.ts";
import { parseRoute, type Route } from "./route.ts";
import { deleteUpload, finishUploadByPut, getUpload, patchUpload, startUpload } from "./uploads.ts";

interface Endpoint<K extends Route["kind"]> {
  /** What it takes to call it. */
  readonly actions: readonly Action[];
  handle(exchange: Exchange, route: Extract<Route, { kind: K }>): Promise<Response>;
}

const PULL: readonly Action[] = ["pull"];
const PUSH: readonly Action[] = ["pull", "push"];
const DELETE: readonly Action[] = ["delete"];

/** The distribution specification's table of endpoints, by what is addressed and how. */
const ENDPOINTS: { readonly [K in Route["kind"]]: Readonly<Record<string, Endpoint<K>>> } = {
  ping: { GET: { actions: [], handle: ping }, HEAD: { actions: [], handle: ping } },
  catalog: { GET: { actions: PULL, handle: listRepositories } },
  tags: { GET: { actions: PULL, handle: listTags } },
  manifest: {
    GET: { actions: PULL, handle: getManifest },
    HEAD: { actions: PULL, handle: getManifest },
    PUT: { actions: PUSH, handle: putManifest },
    DELETE: { actions: DELETE, handle: deleteManifest },
  },
  blob: {
    GET: { actions: PULL, handle: getBlob },
    HEAD: { actions: PULL, handle: getBlob },
    DELETE: { actions: DELETE, handle: deleteBlob },
  },
  uploads: { POST: { actions: PUSH, handle: startUpload } },
  upload: {
    GET: { actions: PUSH, handle: getUpload },
    PATCH: { actions: PUSH, handle: patchUpload },
    PUT: { actions: PUSH, handle: finishUploadByPut },
    DELETE: { actions: PUSH, handle: deleteUpload },
  },
  referrers: { GET: { actions: PULL, handle: listReferrers } },
};

/** Answers one request; whatever goes wrong is an answer, too. */
export async function handle(parts: Parts, request: Request, peer: Peer): Promise<Response> {
  let response: Response;
  try {
    response = await answer(parts, request, peer);
  } catch (error) {
    response = errorResponse(registryErrorOf(error) ?? unexpected(parts, request, error));
  }
  // Docker's clients take a server without it for no registry.
  response.headers.set("Docker-Distribution-API-Version", "registry/2.0");
  return response;
}

async function answer(parts: Parts, request: Request, peer: Peer): Promise<Response> {
  const { path, query } = split(request.url);
  const route = parseRoute(path);
  if (route === undefined) throw new RegistryError("NAME_UNKNOWN", `no such endpoint: "${path.slice(0, 255)}"`);
  if ("repository" in route) parseRepository(route.repository);
  const endpoints = ENDPOINTS[route.kind] as Readonly<Record<string, Endpoint<Route["kind"]>>>;
  const endpoint = Object.hasOwn(endpoints, request.method) ? endpoints[request.method] : undefined;
  if (endpoint === undefined)
    throw new RegistryError("UNSUPPORTED", undefined, { headers: { Allow: Object.keys(endpoints).join(", ") } });
  const authorization = await authorize(parts, request, { peer, scopes: scopesOf(route, endpoint.actions, query) });
  if ("challenge" in authorization) return authorization.challenge;
  const exchange: Exchange = { parts, request, query, peer, principal: authorization.principal };
  return await endpoint.handle(exchange, route as never);
}

/** The first scope is what the request needs, others what it would be better with. */
function scopesOf(route: Route, actions: readonly Action[], query: URLSearchParams): Scope[] {
  if (route.kind === "ping") return [];
  if (route.kind === "catalog") return [{ registry: "catalog" }];
  const scope = { repository: route.repository, actions };
  const from = route.kind === "uploads" && query.has("mount") ? query.get("from") : null;
  return from !== null && isRepository(from) ? [scope, { repository: from, actions: ["pull"] }] : [scope];
}

/**
 * A client that lacks a scope is told of all, so that it can get a token for all; but one that may not pull from where it wants a blob
 * mounted may still upload it.
 */
async function authorize(
  parts: Parts,
  request: Request,
  { peer, scopes }: { readonly peer: Peer; readonly scopes: readonly Scope[] },
) {
  const authorization = await parts.access.authorize(request, scopes, peer);
  if ("principal" in authorization || scopes.length < 2) return authorization;
  const narrower = await parts.access.authorize(request, scopes.slice(0, 1), peer);
  return "principal" in narrower ? narrower : authorization;
}

async function ping(): Promise<Response> {
  return Response.json({});
}

const NO_QUERY = new URLSearchParams();

/** The path as it was sent; the URL parser has taken `.` and `..` out of it. */
function split(url: string): { path: string; query: URLSearchParams } {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  if (end === -1) return { path: url.slice(start), query: NO_QUERY };
  return { path: url.slice(start, end), query: new URLSearchParams(url.slice(end + 1)) };
}

function unexpected(parts: Parts, request: Request, error: unknown): RegistryError {
  if (request.signal.aborted) return new RegistryError("BLOB_UPLOAD_INVALID", "connection was closed");
  parts.log.error("registry: request failed", {
    method: request.method,
    path: split(request.url).path.slice(0, 512),
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new RegistryError("UNKNOWN");
}
