import { RegistryError } from "../errors.ts";
import { emit, type Happening, type Parts } from "../parts.ts";
import type { Peer, Principal, Scope } from "../registry.ts";

/** One authorized request on its way to an answer. */
export interface Exchange {
  readonly parts: Parts;
  readonly request: Request;
  readonly query: URLSearchParams;
  readonly principal: Principal;
  readonly peer: Peer;
}

export function tell(exchange: Exchange, happening: Happening): void {
  const { parts, request, principal, peer } = exchange;
  emit(parts, { request, principal, address: peer.address }, happening);
}

/** Whether the one who asks may do something else besides what the request itself needs. */
export async function mayAlso(exchange: Exchange, scope: Scope): Promise<boolean> {
  return "principal" in (await exchange.parts.access.authorize(exchange.request, [scope], exchange.peer));
}

/** Refuses what only the registry behind this one can take. */
export function assertNotProxied(parts: Parts, repository: string): void {
  if (parts.upstream?.covers(repository))
    throw new RegistryError("UNSUPPORTED", `repository "${repository}" is a cache of another registry: push there`);
}
