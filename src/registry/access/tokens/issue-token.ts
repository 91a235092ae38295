import { type JWTPayload, SignJWT } from "jose";
import type { Clock } from "#lib/time";
import type { AccessEntry } from "./scope.ts";
import { SIGNING_ALGORITHM, type SigningKey } from "./signing-key.ts";

export interface IssuerOptions {
  readonly key: SigningKey;
  readonly issuer: string;
  readonly service: string;
  readonly clock: Clock;
  /** Of access tokens; Docker's clients take less than 60 for 60. */
  readonly expirySeconds: number;
  /** Of refresh tokens. */
  readonly refreshSeconds: number;
  newId(): string;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly issuedAt: Date;
}

/** `typ` of the two kinds of tokens; neither passes for the other. */
export const ACCESS_TYPE = "JWT";
export const REFRESH_TYPE = "tug-refresh+jwt";

/** Whom a token is for; nobody in particular has none. */
export interface Holder {
  readonly name: string;
  /** Of the account: another password ends the token. */
  readonly fingerprint: string;
}

function claimsOf(holder: Holder | undefined): JWTPayload {
  return holder === undefined ? { sub: "" } : { sub: holder.name, account: holder.fingerprint };
}

/** Signs tokens as Docker's token specification describes them. */
export class TokenIssuer {
  readonly #options: IssuerOptions;

  constructor(options: IssuerOptions) {
    this.#options = options;
  }

  /** A token that lets its bearer do what `access` says, for some minutes. */
  access(holder: Holder | undefined, access: readonly AccessEntry[]): Promise<IssuedToken> {
    return this.#sign({ ...claimsOf(holder), access }, ACCESS_TYPE, this.#options.expirySeconds);
  }

  /** A token that is good for access tokens. */
  refresh(holder: Holder): Promise<IssuedToken> {
    return this.#sign(claimsOf(holder), REFRESH_TYPE, this.#options.refreshSeconds);
  }

  async #sign(claims: JWTPayload, type: string, expiresInSeconds: number): Promise<IssuedToken> {
    const { key, issuer, service, clock, newId } = this.#options;
    const nowSeconds = Number(clock.nowNano() / 1_000_000_000n);
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: type, kid: key.id })
      .setIssuer(issuer)
      .setAudience(service)
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + expiresInSeconds)
      .setJti(newId())
      .sign(key.privateKey);
    return { token, expiresInSeconds, issuedAt: new Date(nowSeconds * 1000) };
  }
}
