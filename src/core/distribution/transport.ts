import { isKind } from "#lib/errors";
import type { Clock } from "#lib/time";
import { Answer } from "./answer.ts";
import { connectionError, timeoutError } from "./connection-error.ts";
import { canceled, requestError, throwIfCanceled } from "./errors.ts";
import { proxyFor } from "./proxy.ts";
import type { ProxySettings } from "./settings.ts";
import { StallWatch } from "./stall-watch.ts";
import type { TlsOptions } from "./trust.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Bun's `fetch`, as far as it is used. */
export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

type Body = NonNullable<BunFetchRequestInit["body"]>;

export interface TransportParts {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly proxies: () => ProxySettings;
  /** `tug/1.0 …` */
  readonly userAgent: string;
}

export interface Exchange {
  readonly method: Method;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
  readonly tls: TlsOptions;
  readonly signal: AbortSignal;
  /** How long it may take until the answer begins; a body on its way out that moves counts as life. */
  readonly timeoutMs: number;
}

/**
 * One request and the beginning of its answer. Redirects are answers like any other. The caller disposes of the answer, which
 * frees the connection.
 *
 * @throws `canceled`; `unavailable` in the words of Go's client: `Get "https://…": dial tcp …`
 */
export async function send(parts: TransportParts, url: URL, exchange: Exchange): Promise<Answer> {
  const { method, tls, signal, timeoutMs } = exchange;
  throwIfCanceled(signal);
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal.addEventListener("abort", abort, { once: true });
  const release = () => signal.removeEventListener("abort", abort);
  const watch = new StallWatch(parts.clock, timeoutMs, abort);
  const proxy = proxyFor(url, parts.proxies());
  try {
    const response = await parts.fetch(url.href, {
      method,
      headers: { "User-Agent": parts.userAgent, "Accept-Encoding": "identity", ...exchange.headers },
      ...(exchange.body !== undefined && { body: watched(exchange.body, watch) }),
      redirect: "manual",
      // Digests are those of the bytes as sent, whatever encoding a server claims.
      decompress: false,
      signal: controller.signal,
      ...(url.protocol === "https:" && { tls }),
      ...(proxy !== undefined && { proxy }),
    });
    return new Answer(response, { url, method, watch, signal, abort, release, nowMs: () => nowMs(parts.clock) });
  } catch (cause) {
    watch.stop();
    release();
    if (signal.aborted) throw canceled();
    if (isKind(cause, "canceled")) throw cause;
    throw requestError(method, url, watch.isStalled ? timeoutError(timeoutMs) : connectionError(cause, url));
  }
}

function nowMs(clock: Clock): number {
  return Number(clock.nowNano() / 1_000_000n);
}

function watched(body: NonNullable<Exchange["body"]>, watch: StallWatch): Body {
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return body as Uint8Array<ArrayBuffer>;
  // Bun takes async iterables, and asks for the next chunk when the last one is on its way.
  return touching(body, watch) as unknown as Body;
}

/** Only what the other side takes its time with counts: not the time that the next chunk takes to be made. */
async function* touching(body: AsyncIterable<Uint8Array>, watch: StallWatch): AsyncGenerator<Uint8Array> {
  watch.hold();
  for await (const chunk of body) {
    watch.touch();
    yield chunk;
    watch.hold();
  }
  watch.touch();
}
