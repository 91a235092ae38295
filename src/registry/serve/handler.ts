import type { Clock } from "#lib/time";
import { KEYS_PATH, TOKEN_PATH } from "../access/open-access.ts";
import { errorResponse, RegistryError } from "../errors.ts";
import { parseRoute } from "../http/route.ts";
import type { Peer, Registry } from "../registry.ts";
import type { Exchange, ServedRoute } from "./exchange.ts";
import type { WatchedAccess } from "./watched-access.ts";

export interface HandlerOptions {
  readonly registry: Pick<Registry, "fetch">;
  readonly access: WatchedAccess;
  /** The token service; undefined where there is none. */
  tokens(request: Request, peer: Peer): Promise<Response> | undefined;
  /** What is wrong with a part, by its name; empty when the registry can serve. */
  health(): Promise<Readonly<Record<string, string>>>;
  /** The text of `/metrics` for this client; undefined when it is not for it. */
  metrics(peer: Peer): Promise<{ readonly text: string; readonly contentType: string } | undefined>;
  readonly observers: readonly ((exchange: Exchange) => void)[];
  readonly clock: Clock;
}

const OWN_PATHS: Readonly<Record<string, "token" | "health" | "metrics">> = {
  [TOKEN_PATH]: "token",
  [KEYS_PATH]: "token",
  "/healthz": "health",
  "/metrics": "metrics",
};

/** Everything that is served at one address: the registry, its token service, health and metrics. */
export function createHandler(options: HandlerOptions): (request: Request, peer: Peer) => Promise<Response> {
  const { access, clock, observers } = options;
  return async (request, peer) => {
    const startedNano = clock.nowNano();
    const path = pathOf(request.url);
    const route = routeOf(path);
    const response = await answer(options, request, { peer, route });
    const seconds = Number(clock.nowNano() - startedNano) / 1e9;
    const exchange = { request, path, route, peer, principal: access.principalOf(request), response, seconds };
    for (const observe of observers) observe(exchange);
    return response;
  };
}

function routeOf(path: string): ServedRoute {
  const own = Object.hasOwn(OWN_PATHS, path) ? OWN_PATHS[path] : undefined;
  return own === undefined ? (parseRoute(path) ?? { kind: "other" }) : { kind: own };
}

async function answer(
  options: HandlerOptions,
  request: Request,
  { peer, route }: { readonly peer: Peer; readonly route: ServedRoute },
): Promise<Response> {
  switch (route.kind) {
    case "token":
      return (await options.tokens(request, peer)) ?? notFound();
    case "health":
      return healthResponse(await options.health());
    case "metrics": {
      const metrics = await options.metrics(peer);
      return metrics === undefined ? notFound() : new Response(metrics.text, typed(metrics.contentType));
    }
    case "other":
      return notFound();
    default:
      return await options.registry.fetch(request, peer);
  }
}

function healthResponse(faults: Readonly<Record<string, string>>): Response {
  const isWell = Object.keys(faults).length === 0;
  const body = isWell ? { status: "ok" } : { status: "failing", faults };
  return Response.json(body, { status: isWell ? 200 : 503, headers: { "Cache-Control": "no-store" } });
}

function typed(contentType: string): ResponseInit {
  return { headers: { "Content-Type": contentType, "Cache-Control": "no-store" } };
}

function notFound(): Response {
  return errorResponse(new RegistryError("UNSUPPORTED", "page not found", { status: 404 }));
}

/** Of an absolute address, without what follows the `?`, as it was sent. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("?", start);
  return start < 0 ? "/" : url.slice(start, end < 0 ? undefined : end);
}
