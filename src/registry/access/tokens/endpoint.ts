import { errorResponse, RegistryError } from "../../errors.ts";
import type { Peer, Principal } from "../../registry.ts";
import type { Htpasswd } from "../htpasswd.ts";
import type { Passwords } from "../passwords.ts";
import { presentedBy } from "../presented.ts";
import type { Rights } from "../rules.ts";
import type { Holder, TokenIssuer } from "./issue-token.ts";
import { type AccessEntry, narrow, parseScopes } from "./scope.ts";
import type { TokenVerifier } from "./verify-token.ts";

export interface TokenEndpointOptions {
  readonly service: string;
  readonly rights: Rights;
  readonly anonymousLists: boolean;
  readonly issuer: TokenIssuer;
  /** Of refresh tokens. */
  readonly refreshTokens: TokenVerifier;
  readonly accounts?: { readonly file: Htpasswd; readonly passwords: Passwords };
}

/** What a client asks for, in either form. */
interface TokenRequest {
  readonly service: string;
  readonly scopes: readonly string[];
  /** Whether it wants a refresh token, too. */
  readonly offline: boolean;
}

/** Longer than any form of a client that we know: refresh tokens are below 1 KiB. */
const LARGEST_FORM_BYTES = 64 * 1024;

/**
 * Gives out tokens (distribution's "Token Authentication Specification", and its OAuth2 form). The scopes of a token are those
 * that were asked for and may be had: asking for more is no error, the registry refuses later.
 */
export class TokenEndpoint {
  readonly #options: TokenEndpointOptions;

  constructor(options: TokenEndpointOptions) {
    this.#options = options;
  }

  async fetch(request: Request, peer: Peer): Promise<Response> {
    try {
      if (request.method === "GET") return await this.#get(request, peer);
      if (request.method === "POST") return await this.#post(request, peer);
      throw new RegistryError("UNSUPPORTED", undefined, { headers: { Allow: "GET, POST" } });
    } catch (error) {
      if (error instanceof RegistryError) return errorResponse(error);
      throw error;
    }
  }

  async #get(request: Request, peer: Peer): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const wish = readRequest(query, query.get("offline_token") === "true");
    const presented = presentedBy(request.headers);
    if (presented.kind !== "nothing" && presented.kind !== "password") throw wrongLogin();
    const principal = presented.kind === "nothing" ? { name: undefined } : await this.#login(presented, peer);
    const { token, refresh, ...rest } = await this.#issue(principal, wish);
    return answer({
      token,
      access_token: token,
      ...rest,
      ...(refresh === undefined ? {} : { refresh_token: refresh }),
    });
  }

  async #post(request: Request, peer: Peer): Promise<Response> {
    const form = await readForm(request);
    const wish = readRequest(form, form.get("access_type") === "offline");
    const { principal, kept } = await this.#principalOf(form, peer);
    const { token, refresh = kept, scope, ...rest } = await this.#issue(principal, wish);
    return answer({
      access_token: token,
      ...rest,
      scope,
      ...(refresh === undefined ? {} : { refresh_token: refresh }),
    });
  }

  /** Who a form is from; a refresh token that was used goes on being good. */
  async #principalOf(form: URLSearchParams, peer: Peer): Promise<{ principal: Principal; kept?: string }> {
    switch (form.get("grant_type")) {
      case "password": {
        const login = { username: form.get("username") ?? "", password: form.get("password") ?? "" };
        return { principal: await this.#login(login, peer) };
      }
      case "refresh_token": {
        const kept = form.get("refresh_token") ?? "";
        return { principal: await this.#refreshed(kept), kept };
      }
      default:
        throw new RegistryError("UNSUPPORTED", "grant_type has to be password or refresh_token", { status: 400 });
    }
  }

  async #login(login: { readonly username: string; readonly password: string }, peer: Peer): Promise<Principal> {
    const isRight = await this.#options.accounts?.passwords.check(login, peer);
    if (isRight !== true) throw wrongLogin();
    return { name: login.username };
  }

  async #refreshed(token: string): Promise<Principal> {
    const claims = await this.#options.refreshTokens.verify(token);
    const account = claims && (await this.#options.accounts?.file.fingerprint(claims.subject));
    if (claims === undefined || account === undefined || claims.payload.account !== account) throw wrongLogin();
    return { name: claims.subject };
  }

  async #issue(principal: Principal, wish: TokenRequest) {
    const { service, issuer } = this.#options;
    if (wish.service !== "" && wish.service !== service) {
      throw new RegistryError("DENIED", `tokens here are for service "${service}"`, { status: 400 });
    }
    const access = parseScopes(wish.scopes).flatMap((entry) => this.#grant(principal, entry) ?? []);
    const holder = await this.#holder(principal);
    const { token, expiresInSeconds, issuedAt } = await issuer.access(holder, access);
    const refresh = wish.offline && holder !== undefined ? (await issuer.refresh(holder)).token : undefined;
    const scope = access.map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`).join(" ");
    return { token, expires_in: expiresInSeconds, issued_at: issuedAt.toISOString(), scope, refresh };
  }

  async #holder({ name }: Principal): Promise<Holder | undefined> {
    const fingerprint = name === undefined ? undefined : await this.#options.accounts?.file.fingerprint(name);
    return name === undefined || fingerprint === undefined ? undefined : { name, fingerprint };
  }

  #grant(principal: Principal, entry: AccessEntry): AccessEntry | undefined {
    const { rights, anonymousLists } = this.#options;
    if (entry.type === "repository") return narrow(entry, rights(principal, entry.name));
    const lists =
      entry.type === "registry" && entry.name === "catalog" && (principal.name !== undefined || anonymousLists);
    return lists ? { ...entry, actions: ["*"] } : undefined;
  }
}

function readRequest(values: URLSearchParams, offline: boolean): TokenRequest {
  return { service: values.get("service") ?? "", scopes: values.getAll("scope"), offline };
}

async function readForm(request: Request): Promise<URLSearchParams> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of request.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > LARGEST_FORM_BYTES) throw new RegistryError("SIZE_INVALID", "form too large", { status: 413 });
  }
  return new URLSearchParams(text);
}

/** Tokens must not stay in caches on the way (RFC 6749, 5.1). */
function answer(body: object): Response {
  return Response.json(body, { headers: { "Cache-Control": "no-store" } });
}

function wrongLogin(): RegistryError {
  return new RegistryError("UNAUTHORIZED", "incorrect username or password");
}
