import { EngineError, isKind } from "#lib/errors";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { isHandshakeFailure } from "./connection-error.ts";
import type { Endpoint } from "./endpoint.ts";
import { requestError } from "./errors.ts";
import type { Wire } from "./follow.ts";
import type { RegistrySettings } from "./settings.ts";
import { send } from "./transport.ts";
import { type Trust, trustOf } from "./trust.ts";

/** A registry that has answered. */
export interface Connection {
  /** With the scheme that it speaks: `https://example.com:5000/`. */
  readonly base: URL;
  readonly trust: Trust;
  /** What it wants to see before it lets anybody in. */
  readonly challenges: readonly Challenge[];
  /** Of its answer to the first question. */
  readonly status: number;
}

/** The same as Docker's: the first answer comes soon, or the registry is down. */
const PING_TIMEOUT_MS = 15_000;
/** Long enough for a build or a rollout of many images, short enough for a registry that changes. */
const LIFETIME_MS = 5 * 60_000;
/** More registries than that are asked again. */
const LIMIT = 256;

/** Which scheme each registry speaks and how it wants to be asked, found by `GET /v2/` and remembered for a while. */
export class Connections {
  readonly #wire: Wire;
  readonly #settings: () => RegistrySettings;
  readonly #known = new Map<string, { connection: Connection; untilMs: number }>();
  #validFor: RegistrySettings | undefined;

  constructor(wire: Wire, settings: () => RegistrySettings) {
    this.#wire = wire;
    this.#settings = settings;
  }

  /** @throws `unavailable` when nobody answers: `Get "https://…/v2/": dial tcp …` */
  async open(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
    this.#forgetOldSettings();
    const known = this.#known.get(keyOf(endpoint));
    if (known && known.untilMs > this.#nowMs()) return known.connection;
    const connection = await this.#find(endpoint, signal);
    if (this.#known.size >= LIMIT) this.#known.clear();
    this.#known.set(keyOf(endpoint), { connection, untilMs: this.#nowMs() + LIFETIME_MS });
    return connection;
  }

  /** What was known may have changed: the next one asks again. */
  forget(endpoint: Endpoint): void {
    this.#known.delete(keyOf(endpoint));
  }

  async #find(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
    const trust = await trustOf(endpoint.host, this.#wire.trust);
    try {
      return await this.#ping(endpoint.base, trust, signal);
    } catch (error) {
      if (endpoint.isSchemeFixed || trust.isSecure || isKind(error, "canceled")) throw error;
      return this.#ping(plain(endpoint.base), trust, signal);
    }
  }

  async #ping(base: URL, trust: Trust, signal: AbortSignal): Promise<Connection> {
    const url = new URL("v2/", base.href);
    const exchange = { method: "GET", tls: trust.tls, signal, timeoutMs: PING_TIMEOUT_MS } as const;
    try {
      await using answer = await send(this.#wire.transport, url, exchange);
      const header = answer.status === 401 ? answer.headers.get("www-authenticate") : null;
      return { base, trust, challenges: parseChallenges(header ?? ""), status: answer.status };
    } catch (error) {
      if (isHandshakeFailure(error) && trust.isSecure && (await this.#speaksPlainHttp(url, trust, signal))) {
        const reason = new EngineError("unavailable", "http: server gave HTTP response to HTTPS client");
        throw requestError("GET", url, reason);
      }
      throw error;
    }
  }

  /** Servers that do speak TLS answer plain HTTP with 400, to be helpful. */
  async #speaksPlainHttp(url: URL, { tls }: Trust, signal: AbortSignal): Promise<boolean> {
    const exchange = { method: "GET", tls, signal, timeoutMs: PING_TIMEOUT_MS } as const;
    try {
      await using answer = await send(this.#wire.transport, plain(url), exchange);
      return answer.status !== 400;
    } catch (error) {
      if (isKind(error, "canceled")) throw error;
      return false;
    }
  }

  #forgetOldSettings(): void {
    const settings = this.#settings();
    if (this.#validFor !== settings) this.#known.clear();
    this.#validFor = settings;
  }

  #nowMs(): number {
    return Number(this.#wire.transport.clock.nowNano() / 1_000_000n);
  }
}

function plain(url: URL): URL {
  const http = new URL(url.href);
  http.protocol = "http:";
  return http;
}

function keyOf({ host, base }: Endpoint): string {
  return `${host} ${base.href}`;
}
