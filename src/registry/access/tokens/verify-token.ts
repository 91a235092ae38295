import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import type { Clock } from "#lib/time";
import type { AccessEntry } from "./scope.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

/** What a token says, once it is believed. */
export interface TokenClaims {
  /** Empty for a token that was given to somebody without an account. */
  readonly subject: string;
  readonly access: readonly AccessEntry[];
  /** All other claims. */
  readonly payload: JWTPayload;
}

export interface VerifierOptions {
  readonly keys: TrustedKeys;
  /** `iss`; undefined believes whatever the keys signed. */
  readonly issuer: string | undefined;
  /** `aud`: who the token is for. */
  readonly service: string;
  /** The `typ` that its header has to have, so that no refresh token passes for an access token. */
  readonly type?: string;
  readonly clock: Clock;
}

/** Public-key signatures only: with HMAC everybody who can verify could also sign. */
const ALGORITHMS = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
];
/** By how much clocks may disagree. */
const TOLERANCE_SECONDS = 30;
/** Tokens that are known to be good: a client sends the same one with every request of a pull. */
const MOST_REMEMBERED = 2048;

interface Remembered {
  readonly claims: TokenClaims;
  readonly untilSeconds: number;
}

/** Believes tokens that a trusted key signed, for this service, and whose time is now. */
export class TokenVerifier {
  readonly #options: VerifierOptions;
  /** The oldest first. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** Undefined for a token that is not to be believed, for whatever reason. */
  async verify(token: string): Promise<TokenClaims | undefined> {
    const nowSeconds = Number(this.#options.clock.nowNano() / 1_000_000_000n);
    const known = this.#remembered.get(token);
    if (known !== undefined && known.untilSeconds > nowSeconds) return known.claims;
    this.#remembered.delete(token);
    const payload = await this.#check(token, new Date(nowSeconds * 1000));
    if (payload === undefined) return undefined;
    const claims = { subject: payload.sub ?? "", access: readAccess(payload.access), payload };
    this.#remember(token, { claims, untilSeconds: payload.exp! });
    return claims;
  }

  async #check(token: string, currentDate: Date): Promise<JWTPayload | undefined> {
    const { keys, issuer, service, type } = this.#options;
    const options: JWTVerifyOptions = {
      algorithms: ALGORITHMS,
      audience: service,
      requiredClaims: ["exp"],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate,
      ...(issuer === undefined ? {} : { issuer }),
      ...(type === undefined ? {} : { typ: type }),
    };
    for (const key of candidates(token, keys)) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (error) {
        // Its signature was right, what it says is not. Whatever else is wrong with this key, the next one may fit: a key of another
        // kind is told in a way of the runtime's.
        if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) return undefined;
      }
    }
    return undefined;
  }

  #remember(token: string, remembered: Remembered): void {
    this.#remembered.set(token, remembered);
    const [oldest] = this.#remembered.size > MOST_REMEMBERED ? this.#remembered.keys() : [];
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}

function candidates(token: string, keys: TrustedKeys) {
  try {
    return keys.candidates(decodeProtectedHeader(token) as Parameters<TrustedKeys["candidates"]>[0]);
  } catch {
    return [];
  }
}

/** The claim as it should be; whatever else it holds grants nothing. */
function readAccess(claim: unknown): AccessEntry[] {
  if (!Array.isArray(claim)) return [];
  return claim.flatMap((entry: Partial<AccessEntry> | null) => {
    if (typeof entry?.type !== "string" || typeof entry.name !== "string" || !Array.isArray(entry.actions)) return [];
    return [
      { type: entry.type, name: entry.name, actions: entry.actions.filter((action) => typeof action === "string") },
    ];
  });
}
