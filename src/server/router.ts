import type { HttpResponse } from "#lib/http";
import type { Query } from "./query.ts";

/** A request as the routes see it: addressed, versioned, its parameters read. */
export interface ApiRequest {
  /** The 51 of `/v1.51`; the newest when the client named none. */
  readonly version: number;
  /** What stood in the place of the `{name}`s of the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

export type RouteHandler = (request: ApiRequest) => HttpResponse | Promise<HttpResponse>;

export interface Route {
  readonly method: string;
  /** `/images/{name}/json`; a name in braces takes anything, slashes included, as Docker's do. */
  readonly path: string;
  readonly handle: RouteHandler;
}

export const get = (path: string, handle: RouteHandler): Route => ({ method: "GET", path, handle });
export const head = (path: string, handle: RouteHandler): Route => ({ method: "HEAD", path, handle });
export const post = (path: string, handle: RouteHandler): Route => ({ method: "POST", path, handle });
export const put = (path: string, handle: RouteHandler): Route => ({ method: "PUT", path, handle });
export const remove = (path: string, handle: RouteHandler): Route => ({ method: "DELETE", path, handle });

export interface Match {
  readonly handle: RouteHandler;
  readonly params: Readonly<Record<string, string>>;
}

interface Entry {
  readonly pattern: RegExp;
  readonly handle: RouteHandler;
}

/** Finds the route of a decoded path. Of several that fit, the one listed first wins. */
export class Router {
  readonly #exact = new Map<string, RouteHandler>();
  /** By method and first path segment. */
  readonly #patterns = new Map<string, Entry[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route);
  }

  find(method: string, path: string): Match | undefined {
    const exact = this.#exact.get(`${method} ${path}`);
    if (exact) return { handle: exact, params: {} };
    for (const entry of this.#patterns.get(groupOf(method, path)) ?? []) {
      const groups = entry.pattern.exec(path)?.groups;
      if (groups) return { handle: entry.handle, params: groups };
    }
    return undefined;
  }

  #add({ method, path, handle }: Route): void {
    if (!path.includes("{")) {
      this.#exact.set(`${method} ${path}`, handle);
      return;
    }
    const group = groupOf(method, path);
    const pattern = new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>.*)")}$`, "s");
    const entries = this.#patterns.get(group) ?? [];
    entries.push({ pattern, handle });
    this.#patterns.set(group, entries);
  }
}

function groupOf(method: string, path: string): string {
  const end = path.indexOf("/", 1);
  return `${method} ${end < 0 ? path : path.slice(0, end)}`;
}
