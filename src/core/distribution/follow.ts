import type { Answer } from "./answer.ts";
import { invalidAnswer, requestError } from "./errors.ts";
import { type Exchange, send, type TransportParts } from "./transport.ts";
import { type Trust, type TrustParts, trustOf } from "./trust.ts";

/** What every exchange with a registry needs. */
export interface Wire {
  readonly transport: TransportParts;
  readonly trust: TrustParts;
}

export interface FollowedExchange extends Omit<Exchange, "tls"> {
  /** Of the first host. */
  readonly trust: Trust;
  /** Headers for that host alone: credentials, and what else is nobody's business. */
  readonly privateHeaders?: Readonly<Record<string, string>>;
}

/** Storage is one redirect away, a registry that moved one more. */
const REDIRECT_LIMIT = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Sends a request, and follows redirects of those that ask only. Another host than the first gets no private headers, and an
 * address without TLS is no place to go on from one with it.
 */
export async function follow(wire: Wire, start: URL, exchange: FollowedExchange): Promise<Answer> {
  const { privateHeaders = {}, headers = {}, trust, method, ...rest } = exchange;
  let url = start;
  for (let redirects = 0; ; redirects += 1) {
    const isHome = url.origin === start.origin;
    const { tls } = isHome ? trust : await trustOf(url.host, wire.trust);
    const answer = await send(wire.transport, url, {
      ...rest,
      method,
      tls,
      headers: isHome ? { ...headers, ...privateHeaders } : headers,
    });
    const location = answer.headers.get("location");
    const isFollowed = REDIRECTS.includes(answer.status) && (method === "GET" || method === "HEAD");
    if (!isFollowed || location === null) return answer;
    await answer[Symbol.asyncDispose]();
    if (redirects === REDIRECT_LIMIT) {
      throw requestError(method, start, invalidAnswer(`stopped after ${REDIRECT_LIMIT} redirects`));
    }
    url = nextAddress(location, url, { method, isSecure: trust.isSecure });
  }
}

function nextAddress(location: string, from: URL, { method, isSecure }: { method: string; isSecure: boolean }): URL {
  const url = URL.parse(location, from.href);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw requestError(method, from, invalidAnswer("redirected to what is no address of HTTP"));
  }
  if (isSecure && from.protocol === "https:" && url.protocol === "http:") {
    throw requestError(method, from, invalidAnswer(`redirected from https to http, to host ${url.host}: refused`));
  }
  url.username = "";
  url.password = "";
  return url;
}
