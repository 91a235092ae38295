import { createHash } from "node:crypto";
import { EngineError, messageOf } from "#lib/errors";
import type { Answer } from "./answer.ts";
import type { Challenge } from "./challenge.ts";
import type { Connection } from "./connections.ts";
import type { Credentials } from "./distribution.ts";
import { invalidAnswer } from "./errors.ts";
import { follow, type Wire } from "./follow.ts";
import { trustOf } from "./trust.ts";

/** What somebody wants to do, and who it is. */
export interface TokenRequest {
  readonly connection: Connection;
  /** The bearer challenge of the registry. */
  readonly challenge: Challenge;
  /** `repository:library/busybox:pull` … */
  readonly scopes: readonly string[];
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  /** Ask for a refresh token too: a login. */
  readonly offline?: boolean;
}

export interface Token {
  readonly value: string;
  readonly untilMs: number;
  readonly refreshToken: string;
}

/** As Docker's daemon names itself to token servers, some of which know no other. */
const CLIENT_ID = "docker";
/** What a token without a word on it lives, and what each lives at least (docker's token specification). */
const SHORTEST_LIFE_S = 60;
const LONGEST_LIFE_S = 24 * 3600;
/** So much before its end a token is not used any more: requests take time, and clocks differ. */
const MARGIN_MS = 10_000;
const TIMEOUT_MS = 30_000;
/** The largest tokens that are seen name hundreds of groups. */
const ANSWER_LIMIT_BYTES = 512 * 1024;
/** Longer tokens would not fit into a header. */
const TOKEN_LIMIT = 64 * 1024;
const CACHE_LIMIT = 1024;

/** Bearer tokens by registry, scope and credentials, for as long as they are good. */
export class Tokens {
  readonly #wire: Wire;
  readonly #cache = new Map<string, Token>();

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** One that is known, if it is still good. */
  find(request: TokenRequest): Token | undefined {
    const token = this.#cache.get(keyOf(request));
    return token && token.untilMs > this.#nowMs() ? token : undefined;
  }

  /** Asks for a new one. @throws `unauthorized`, `forbidden`, `unavailable` */
  async fetch(request: TokenRequest): Promise<Token> {
    await using answer = await this.#ask(request);
    if (answer.status < 200 || answer.status > 299) throw await answer.refusal();
    const token = readToken(await answer.read(ANSWER_LIMIT_BYTES), this.#nowMs());
    if (this.#cache.size >= CACHE_LIMIT) this.#cache.clear();
    this.#cache.set(keyOf(request), token);
    return token;
  }

  /** A registry did not take it. */
  forget(request: TokenRequest): void {
    this.#cache.delete(keyOf(request));
  }

  async #ask(request: TokenRequest): Promise<Answer> {
    const { connection, challenge, credentials, signal } = request;
    const realm = realmOf(challenge, connection);
    const trust =
      realm.origin === connection.base.origin ? connection.trust : await trustOf(realm.host, this.#wire.trust);
    const common = { trust, signal, timeoutMs: TIMEOUT_MS };
    if (credentials.identityToken) {
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      return follow(this.#wire, realm, { ...common, method: "POST", headers, body: refreshForm(request) });
    }
    addQuery(realm, request);
    const authorization = basicAuthorization(credentials);
    const privateHeaders = authorization === undefined ? {} : { Authorization: authorization };
    return follow(this.#wire, realm, { ...common, method: "GET", privateHeaders });
  }

  #nowMs(): number {
    return Number(this.#wire.transport.clock.nowNano() / 1_000_000n);
  }
}

/** Undefined for nobody. */
export function basicAuthorization({ username = "", password = "" }: Credentials): string | undefined {
  return username === "" ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Where tokens are given. It is told the password, and so has to be as safe as the registry itself. */
function realmOf({ parameters }: Challenge, { base, trust }: Connection): URL {
  const text = parameters.get("realm");
  if (text === undefined) throw invalidAnswer("no realm specified for token auth challenge");
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "") {
    throw invalidAnswer(`invalid token auth challenge realm: ${JSON.stringify(text)}`);
  }
  if (url.protocol === "http:" && base.protocol === "https:" && trust.isSecure) {
    throw invalidAnswer(
      `token server "${url.origin}" of "${base.origin}" is refused: credentials would be sent without encryption`,
    );
  }
  return url;
}

function addQuery(realm: URL, { challenge, scopes, credentials, offline }: TokenRequest): void {
  const service = challenge.parameters.get("service");
  if (service !== undefined) realm.searchParams.append("service", service);
  for (const scope of scopes) realm.searchParams.append("scope", scope);
  if (offline) {
    realm.searchParams.append("offline_token", "true");
    realm.searchParams.append("client_id", CLIENT_ID);
  }
  if (credentials.username) realm.searchParams.append("account", credentials.username);
}

function refreshForm({ challenge, scopes, credentials }: TokenRequest): string {
  return new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: credentials.identityToken ?? "",
    service: challenge.parameters.get("service") ?? "",
    client_id: CLIENT_ID,
    ...(scopes.length > 0 && { scope: scopes.join(" ") }),
  }).toString();
}

function readToken(body: Uint8Array, nowMs: number): Token {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(body).toString());
  } catch (cause) {
    throw new EngineError("unavailable", `unable to decode token response: ${messageOf(cause)}`);
  }
  const fields = (typeof document === "object" && document !== null ? document : {}) as Record<string, unknown>;
  const value = [fields.token, fields.access_token].find((text) => typeof text === "string" && text !== "");
  if (typeof value !== "string") {
    throw new EngineError("unavailable", "authorization server did not include a token in the response");
  }
  if (value.length > TOKEN_LIMIT || !/^[\x21-\x7e]+$/.test(value)) {
    throw invalidAnswer("authorization server gave a token that no header can hold");
  }
  const said = typeof fields.expires_in === "number" ? fields.expires_in : 0;
  // Counted from now, not from `issued_at`: the clock over there may be wrong.
  const lifeMs = Math.min(Math.max(said, SHORTEST_LIFE_S), LONGEST_LIFE_S) * 1000;
  const refreshToken = typeof fields.refresh_token === "string" ? fields.refresh_token : "";
  return { value, untilMs: nowMs + lifeMs - MARGIN_MS, refreshToken };
}

/** Without the secrets themselves. */
function keyOf({ connection, challenge, scopes, credentials }: TokenRequest): string {
  const { username, password, identityToken } = credentials;
  const who = createHash("sha256")
    .update(JSON.stringify([username, password, identityToken]))
    .digest("hex");
  const { parameters } = challenge;
  return JSON.stringify([
    connection.base.origin,
    parameters.get("realm"),
    parameters.get("service"),
    [...scopes].sort(),
    who,
  ]);
}
