import type { Access, Principal } from "../registry.ts";

export interface WatchedAccess extends Access {
  /** Who a request turned out to be from; undefined when it was refused or has not been decided. */
  principalOf(request: Request): Principal | undefined;
}

/** The same access, that remembers of each request who made it, for as long as the request lives. */
export function watchAccess(access: Access): WatchedAccess {
  const principals = new WeakMap<Request, Principal>();
  return {
    authorize: async (request, scopes, peer) => {
      const authorization = await access.authorize(request, scopes, peer);
      if ("principal" in authorization) principals.set(request, authorization.principal);
      return authorization;
    },
    principalOf: (request) => principals.get(request),
  };
}
