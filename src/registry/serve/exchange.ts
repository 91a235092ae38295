import type { parseRoute } from "../http/route.ts";
import type { Peer, Principal } from "../registry.ts";

/** What the path of a request is about: something of the registry's, or one of the server's own. */
export type ServedRoute =
  | NonNullable<ReturnType<typeof parseRoute>>
  | { readonly kind: "token" | "health" | "metrics" | "other" };

/** A request that was answered, for whoever counts or writes down. */
export interface Exchange {
  readonly request: Request;
  readonly path: string;
  readonly route: ServedRoute;
  readonly peer: Peer;
  readonly principal: Principal | undefined;
  readonly response: Response;
  /** Until the head of the response was there. */
  readonly seconds: number;
}
