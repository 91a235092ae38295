import { posix } from "node:path";
import { EngineError } from "#lib/errors";
import type { HttpHandler, HttpRequest, HttpResponse } from "#lib/http";
import type { Logger } from "#lib/log";
import type { Backends } from "./backends.ts";
import { errorResponse, invalid, isBug } from "./errors.ts";
import { readBytes } from "./json-body.ts";
import { Query } from "./query.ts";
import { empty } from "./reply.ts";
import { type ApiRequest, type Match, Router } from "./router.ts";
import { allRoutes } from "./routes/mod.ts";
import { API_VERSION, splitVersion, VersionTooOld } from "./version.ts";

// As much as Go reads of a form.
const FORM_LIMIT_BYTES = 10 * 1024 * 1024;

/** The Engine API over these backends: from a request to its response, no socket in between. */
export function createApi(backends: Backends, log: Logger): HttpHandler {
  const router = new Router(allRoutes(backends));
  const { engineVersion, experimental } = backends.system.identity;
  const common = {
    "Api-Version": API_VERSION,
    "Docker-Experimental": String(experimental),
    Ostype: "linux",
    // Clients take the operating system out of a header of exactly this form.
    Server: `Docker/${engineVersion} (linux)`,
  };
  return async (request) => {
    const response = await answer(router, request, log);
    return { ...response, headers: { ...response.headers, ...common } };
  };
}

async function answer(router: Router, request: HttpRequest, log: Logger): Promise<HttpResponse> {
  try {
    if (request.method === "OPTIONS") return empty(200);
    const decoded = decodePath(request.path);
    const clean = posix.normalize(decoded);
    if (clean !== decoded) return { status: 301, headers: { Location: encodeURI(clean) } };
    const { version, path } = splitVersion(clean);
    const match = router.find(request.method, path);
    if (!match) throw new EngineError("not-found", "page not found");
    return await match.handle(await apiRequest(request, match, version));
  } catch (error) {
    if (error instanceof VersionTooOld) return plainText(400, error.message);
    if (isBug(error))
      log.error("request failed", { method: request.method, path: request.path, stack: stackOf(error) });
    return errorResponse(error);
  }
}

async function apiRequest(request: HttpRequest, match: Match, version: number): Promise<ApiRequest> {
  const form = isForm(request) ? (await readBytes(request.body, FORM_LIMIT_BYTES)).toString() : "";
  return {
    version,
    params: match.params,
    // Of two values of one name the first counts: the body's.
    query: new Query(form === "" ? request.query : `${form}&${request.query}`),
    headers: request.headers,
    body: request.body,
    signal: request.signal,
  };
}

/** Parameters may come in a body too. Archives that curl labels so by default are no form. */
function isForm(request: HttpRequest): boolean {
  return (
    request.method === "POST" &&
    /^application\/x-www-form-urlencoded\b/i.test(request.headers.get("content-type") ?? "") &&
    !/\/(load|create|build|exec|start)$/.test(request.path)
  );
}

function decodePath(path: string): string {
  try {
    const decoded = decodeURIComponent(path);
    if (decoded.includes("\0")) throw invalid("path holds a NUL byte");
    return decoded;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw invalid(`invalid URL escape in path ${JSON.stringify(path)}`);
  }
}

function plainText(status: number, text: string): HttpResponse {
  const headers = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };
  return { status, headers, body: `${text}\n` };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
