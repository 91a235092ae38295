import { EngineError, isKind } from "#lib/errors";
import type { Answer } from "./answer.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Connection, Connections } from "./connections.ts";
import type { Credentials } from "./distribution.ts";
import type { Endpoint } from "./endpoint.ts";
import { noBasicCredentials, requestError } from "./errors.ts";
import { follow, type Wire } from "./follow.ts";
import { basicAuthorization, type TokenRequest, type Tokens } from "./tokens.ts";
import type { Exchange, Method } from "./transport.ts";
import { trustOf } from "./trust.ts";

/** What all sessions share. */
export interface SessionParts {
  readonly wire: Wire;
  readonly connections: Connections;
  readonly tokens: Tokens;
}

export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly action: "pull" | "push";
  /** The right that all requests take, in the words of token servers: `repository:library/busybox:pull`. */
  readonly scope: string;
  readonly credentials?: Credentials;
  /** For the registry itself. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SessionRequest {
  readonly method: Method;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called again when the request has to be sent again. */
  readonly body?: () => NonNullable<Exchange["body"]>;
  readonly signal: AbortSignal;
  /** Statuses that are no failure. */
  readonly expect: readonly number[];
  readonly timeoutMs?: number;
  /** Rights that it takes besides those on the repository: `repository:other:pull`. */
  readonly scopes?: readonly string[];
}

/** Registries that have to fetch first what they are asked for take their time. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Requests about one repository at one endpoint, by one user. */
export class Session {
  readonly endpoint: Endpoint;
  readonly #parts: SessionParts;
  readonly #options: SessionOptions;
  /** What the registry said last; at first, what it said to the ping. */
  #challenges: readonly Challenge[] | undefined;

  constructor(parts: SessionParts, options: SessionOptions) {
    this.endpoint = options.endpoint;
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * One request, with what the registry wants to see. `target` is below the repository (`manifests/latest`), below the registry
   * (`/v2/_catalog`), or a whole address that the registry gave. The caller disposes of the answer.
   *
   * @throws what the registry refuses, in Docker's words
   */
  async request(target: string | URL, request: SessionRequest): Promise<Answer> {
    const connection = await this.#connect(request.signal);
    const url = typeof target === "string" ? this.#addressOf(target, connection) : target;
    for (let isSecond = false; ; isSecond = true) {
      const proof = await this.#prove(connection, url, request);
      const answer = await this.#send(connection, url, request, proof?.authorization);
      const learnt = answer.status === 401 && !isSecond && this.#learn(answer, proof, connection);
      if (!learnt && request.expect.includes(answer.status)) return answer;
      await using _answer = answer;
      if (!learnt) throw await answer.refusal();
    }
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const connection = await this.#parts.connections.open(this.endpoint, signal);
    this.#challenges ??= connection.challenges;
    return connection;
  }

  #addressOf(target: string, { base }: Connection): URL {
    return new URL(target.startsWith("/") ? target.slice(1) : `v2/${this.endpoint.path}/${target}`, base.href);
  }

  async #send(connection: Connection, url: URL, request: SessionRequest, authorization?: string): Promise<Answer> {
    const { method, headers, body, signal, timeoutMs = ANSWER_TIMEOUT_MS } = request;
    const isHome = url.origin === connection.base.origin;
    const privateHeaders = {
      ...(isHome && this.#options.headers),
      ...(authorization !== undefined && { Authorization: authorization }),
    };
    const { wire, connections } = this.#parts;
    const trust = isHome ? connection.trust : await trustOf(url.host, wire.trust);
    try {
      return await follow(wire, url, {
        method,
        signal,
        timeoutMs,
        trust,
        privateHeaders,
        ...(headers && { headers }),
        ...(body && { body: body() }),
      });
    } catch (error) {
      // It may have moved, or speak the other scheme from now on.
      if (isKind(error, "unavailable")) connections.forget(this.endpoint);
      throw error;
    }
  }

  /** Undefined when there is nothing to prove: credentials are for the registry alone, wherever it sends us. */
  async #prove(connection: Connection, url: URL, request: SessionRequest): Promise<Proof | undefined> {
    if (url.origin !== connection.base.origin) return undefined;
    try {
      return await this.#authorize(connection, request);
    } catch (error) {
      if (isKind(error, "canceled")) throw error;
      throw this.#proofError(error, url, request);
    }
  }

  async #authorize(connection: Connection, { scopes = [], signal }: SessionRequest): Promise<Proof | undefined> {
    const { credentials = {}, scope: own } = this.#options;
    if (credentials.registryToken) return { authorization: `Bearer ${credentials.registryToken}` };
    const challenge = pickChallenge(this.#challenges ?? []);
    if (challenge?.scheme === "basic") {
      const authorization = basicAuthorization(credentials);
      if (authorization === undefined) throw noBasicCredentials();
      return { authorization };
    }
    if (!challenge) return undefined;
    const wanted = (challenge.parameters.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
    const all = [...new Set([own, ...scopes, ...wanted])].filter((scope) => scope === own || !isWithin(scope, own));
    const request: TokenRequest = { connection, challenge, scopes: all, credentials, signal };
    const known = this.#parts.tokens.find(request);
    const token = known ?? (await this.#parts.tokens.fetch(request));
    return { authorization: `Bearer ${token.value}`, token: { request, isFresh: known === undefined } };
  }

  /** Docker's daemon says which request it was when pulling, and only why when pushing. */
  #proofError(error: unknown, url: URL, { method }: SessionRequest): unknown {
    if (!(error instanceof EngineError)) return error;
    const { temporary, retryAfterMs } = error.data;
    // Its clients would ask for a password at the terminal if this were `unauthorized`.
    const kind = error.kind === "unauthorized" ? "internal" : error.kind;
    const plain = new EngineError(kind, error.message, { cause: error, data: { temporary, retryAfterMs } });
    return this.#options.action === "push" ? plain : requestError(method, url, plain);
  }

  /** True when there is reason to hope that a second try ends otherwise. */
  #learn(answer: Answer, proof: Proof | undefined, connection: Connection): boolean {
    if (answer.url.origin !== connection.base.origin) return false;
    const challenges = parseChallenges(answer.headers.get("www-authenticate") ?? "");
    const next = pickChallenge(challenges);
    if (!next) return false;
    const isNew = !sameChallenge(next, pickChallenge(this.#challenges ?? []));
    if (proof?.token) this.#parts.tokens.forget(proof.token.request);
    this.#challenges = challenges;
    return isNew || proof?.token?.isFresh === false;
  }
}

interface Proof {
  readonly authorization: string;
  readonly token?: { readonly request: TokenRequest; readonly isFresh: boolean };
}

function pickChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const find = (name: string) => challenges.find(({ scheme }) => scheme === name);
  return find("bearer") ?? find("basic");
}

function sameChallenge(a: Challenge, b: Challenge | undefined): boolean {
  if (a.scheme !== b?.scheme) return false;
  return ["realm", "service", "scope"].every((name) => a.parameters.get(name) === b.parameters.get(name));
}

/** Whether `wide` (`repository:a:pull,push`) is all that `scope` (`repository:a:pull`) asks for. */
function isWithin(scope: string, wide: string): boolean {
  const split = (text: string) => {
    const colon = text.lastIndexOf(":");
    return { of: text.slice(0, colon), actions: text.slice(colon + 1).split(",") };
  };
  const [narrow, broad] = [split(scope), split(wide)];
  return narrow.of === broad.of && narrow.actions.every((action) => broad.actions.includes(action));
}
