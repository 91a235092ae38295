import { errorResponse, RegistryError } from "../errors.ts";
import type { Access, Authorization, Peer, Principal, Scope } from "../registry.ts";
import { type Challenge, challengeResponse, type TokenFault } from "./challenge.ts";
import type { Htpasswd } from "./htpasswd.ts";
import type { Passwords } from "./passwords.ts";
import { presentedBy } from "./presented.ts";
import type { Rights } from "./rules.ts";
import { type AccessEntry, entryOf, isGranted } from "./tokens/scope.ts";
import type { TokenVerifier } from "./tokens/verify-token.ts";

export interface AccessOptions {
  readonly rights: Rights;
  /** What somebody without an account may do at all, by whatever rule: talk to this registry unasked, list repositories. */
  readonly anonymous: { readonly talks: boolean; readonly lists: boolean };
  /** Undefined when there are no accounts and no tokens: whoever may not do something cannot become somebody who may. */
  readonly challenge: Challenge | undefined;
  readonly accounts?: { readonly file: Htpasswd; readonly passwords: Passwords };
  readonly tokens?: {
    readonly verifier: TokenVerifier;
    /** Of a service that decides by itself: what its tokens say counts, and `rights` is not asked. */
    readonly decide: boolean;
  };
}

/** Somebody, and what a token limits them to. */
interface Identity {
  readonly principal: Principal;
  readonly entries?: readonly AccessEntry[];
}

const NOBODY: Identity = { principal: { name: undefined } };

/** Decides by passwords, tokens and rules who may do what. */
export function createAccess(options: AccessOptions): Access {
  return new RuledAccess(options);
}

class RuledAccess implements Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  async authorize(request: Request, scopes: readonly Scope[], peer: Peer): Promise<Authorization> {
    try {
      const identity = await this.#identify(request, peer);
      if (identity === undefined) return this.#refuse(request, scopes, "invalid_token");
      const isAllowed =
        scopes.length === 0 ? this.#mayTalk(identity) : scopes.every((scope) => this.#may(identity, scope));
      if (!isAllowed) return this.#deny(request, scopes, identity);
      return { principal: identity.principal, sees: (repository) => this.#sees(identity.principal, repository) };
    } catch (error) {
      if (error instanceof RegistryError) return { challenge: errorResponse(error) };
      throw error;
    }
  }

  /** Undefined for a wrong password, an unknown account and a token that is not to be believed. */
  async #identify(request: Request, peer: Peer): Promise<Identity | undefined> {
    const presented = presentedBy(request.headers);
    if (presented.kind === "nothing") return NOBODY;
    const { accounts, tokens } = this.#options;
    if (presented.kind === "password" && accounts !== undefined) {
      const isRight = await accounts.passwords.check(presented, peer);
      return isRight ? { principal: { name: presented.username } } : undefined;
    }
    if (presented.kind !== "token" || tokens === undefined) return undefined;
    const claims = await tokens.verifier.verify(presented.token);
    if (claims === undefined) return undefined;
    const { subject, access, payload } = claims;
    // An account that was removed or has another password loses what its tokens allow at once.
    const isOwn = subject !== "" && accounts !== undefined;
    if (isOwn && (await accounts.file.fingerprint(subject)) !== payload.account) return undefined;
    return { principal: { name: subject === "" ? undefined : subject }, entries: access };
  }

  /**
   * The ping. A client learns here whether and how to log in, and never asks again: where an account may do more than
   * nobody, it has to be challenged, and gets a token for nobody when it has no account.
   */
  #mayTalk(identity: Identity): boolean {
    return identity !== NOBODY || this.#options.anonymous.talks;
  }

  #may({ principal, entries }: Identity, scope: Scope): boolean {
    if (entries === undefined) return this.#hasRight(principal, scope);
    return isGranted(entries, entryOf(scope)) && (this.#tokensDecide || this.#hasRight(principal, scope));
  }

  #hasRight(principal: Principal, scope: Scope): boolean {
    const { rights, anonymous } = this.#options;
    if ("registry" in scope) return principal.name !== undefined || anonymous.lists;
    const granted = rights(principal, scope.repository);
    return scope.actions.every((action) => granted.has(action));
  }

  /** A token for the catalog names no repositories. */
  #sees(principal: Principal, repository: string): boolean {
    return this.#tokensDecide || this.#hasRight(principal, { repository, actions: ["pull"] });
  }

  get #tokensDecide(): boolean {
    return this.#options.tokens?.decide === true;
  }

  /**
   * A token is always answered with a challenge, also when no other would help: the fault in it is what clients understand, and
   * Docker's tries a 403 again and again. With a password there is nothing else to show.
   */
  #deny(request: Request, scopes: readonly Scope[], { principal, entries }: Identity): Authorization {
    if (entries !== undefined) return this.#refuse(request, scopes, "insufficient_scope");
    if (principal.name === undefined) return this.#refuse(request, scopes, undefined);
    return { challenge: errorResponse(new RegistryError("DENIED")) };
  }

  #refuse(request: Request, scopes: readonly Scope[], fault: TokenFault | undefined): Authorization {
    const { challenge } = this.#options;
    if (challenge === undefined) return { challenge: errorResponse(new RegistryError("DENIED")) };
    return { challenge: challengeResponse(challenge, request, { scopes, fault }) };
  }
}
