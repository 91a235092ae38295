import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "#lib/fs";
import type { Clock } from "#lib/time";
import type { Access, Peer } from "../registry.ts";
import { createAccess } from "./access.ts";
import type { Challenge } from "./challenge.ts";
import { Htpasswd } from "./htpasswd.ts";
import { Passwords, type VerifyPassword } from "./passwords.ts";
import { type AccessRule, type AnonymousRights, compileRules, type RulesOptions } from "./rules.ts";
import { TokenEndpoint } from "./tokens/endpoint.ts";
import { ACCESS_TYPE, REFRESH_TYPE, TokenIssuer } from "./tokens/issue-token.ts";
import { loadSigningKey } from "./tokens/signing-key.ts";
import { parseTrustedKeys, trustedKey } from "./tokens/trusted-keys.ts";
import { TokenVerifier } from "./tokens/verify-token.ts";

/** Who may do what, as the administrator says. */
export interface AccessSettings {
  readonly anonymous: AnonymousRights;
  /** Path of an Apache password file: the accounts. */
  readonly htpasswd?: string;
  readonly groups?: ReadonlyMap<string, readonly string[]>;
  readonly rules?: readonly AccessRule[];
  /** Tokens that the registry issues itself. Left out: only where clients could not do without (see `openAccess`). */
  readonly tokens?: OwnTokens;
  /** Tokens of another service. */
  readonly tokenService?: TokenService;
}

export interface OwnTokens {
  readonly service: string;
  readonly issuer: string;
  readonly expirySeconds: number;
  readonly refreshSeconds: number;
}

export interface TokenService {
  /** Its address, for clients. */
  readonly realm: string;
  readonly service: string;
  readonly issuer?: string;
  /** Path of a file with its keys: JWK(S) or PEM. */
  readonly keys: string;
}

export const DEFAULT_TOKENS: OwnTokens = {
  service: "tug-registry",
  issuer: "tug-registry",
  expirySeconds: 300,
  refreshSeconds: 30 * 24 * 3600,
};

export interface AccessParts {
  /** Folder of the signing key. */
  readonly root: string;
  /** The registry's address for its clients, as `https://registry.example`; undefined: as each of them calls it. */
  readonly url: string | undefined;
  readonly clock: Clock;
  readonly verifyPassword: VerifyPassword;
  newId(): string;
  report(error: unknown): void;
}

export interface OpenAccess {
  readonly access: Access;
  /** Answers `TOKEN_PATH` and `KEYS_PATH`; undefined when this registry issues no tokens. */
  readonly tokens: ((request: Request, peer: Peer) => Promise<Response>) | undefined;
  /** Reads accounts anew. @throws as `openAccess` */
  reload(): Promise<void>;
}

export const TOKEN_PATH = "/token";
/** The public key of our tokens, as a JSON web key set. */
export const KEYS_PATH = "/token/keys";

/**
 * Makes access of its settings.
 *
 * Tokens are also issued where they were not asked for, but not everybody has the same rights. Without, a client that has no password gives
 * up when it is challenged for one, and one that has the wrong rights takes the refusal for a passing fault.
 *
 * @throws `invalid-parameter`, `not-found` for files that are wrong or not there
 */
export async function openAccess(settings: AccessSettings, parts: AccessParts): Promise<OpenAccess> {
  const { clock, report } = parts;
  const file =
    settings.htpasswd === undefined ? undefined : await Htpasswd.open({ path: settings.htpasswd, clock, report });
  const accounts = file && { file, passwords: new Passwords({ accounts: file, clock, verify: parts.verifyPassword }) };
  const common = { rights: compileRules(rulesOf(settings)), ...(accounts && { accounts }) };
  const lists = settings.anonymous !== "none" || (settings.rules ?? []).some((rule) => rule.anonymous);
  const reload = async () => void (await file?.reload());
  if (settings.tokenService !== undefined) {
    const { verifier, challenge } = await foreignTokens(settings.tokenService, clock);
    const anonymous = { talks: settings.anonymous === "all", lists };
    const tokens = { verifier, decide: settings.rules === undefined };
    return { access: createAccess({ ...common, anonymous, challenge, tokens }), tokens: undefined, reload };
  }
  const mixed = settings.rules !== undefined || (lists && settings.anonymous !== "all");
  const own = settings.tokens ?? (accounts !== undefined && mixed ? DEFAULT_TOKENS : undefined);
  if (own === undefined) {
    const challenge: Challenge | undefined = accounts && { scheme: "basic", realm: "tug registry" };
    const anonymous = { talks: challenge === undefined || settings.anonymous === "all", lists };
    return { access: createAccess({ ...common, anonymous, challenge }), tokens: undefined, reload };
  }
  const { verifier, challenge, endpoint } = await ownTokens(own, { ...common, anonymousLists: lists }, parts);
  const anonymous = { talks: settings.anonymous === "all", lists };
  const access = createAccess({ ...common, anonymous, challenge, tokens: { verifier, decide: false } });
  return { access, tokens: endpoint, reload };
}

function rulesOf({ anonymous, rules, groups }: AccessSettings): RulesOptions {
  return { anonymous, ...(rules && { rules }), ...(groups && { groups }) };
}

async function foreignTokens({ realm, service, issuer, keys }: TokenService, clock: Clock) {
  const text = await readFile(keys, "utf8").catch((error) => {
    throw fileError(`read keys of the token service "${keys}"`, error);
  });
  const trusted = parseTrustedKeys(text, () => new Date(Number(clock.nowNano() / 1_000_000n)));
  const challenge: Challenge = { scheme: "bearer", service, realm: () => realm };
  return { verifier: new TokenVerifier({ keys: trusted, issuer, service, clock }), challenge };
}

type EndpointParts = Pick<ConstructorParameters<typeof TokenEndpoint>[0], "rights" | "anonymousLists" | "accounts">;

async function ownTokens(settings: OwnTokens, shared: EndpointParts, { root, url, clock, newId }: AccessParts) {
  const { service, issuer } = settings;
  const key = await loadSigningKey(join(root, "token-key.json"));
  const believed = { keys: trustedKey(key.id, key.publicKey), issuer, service, clock };
  const endpoint = new TokenEndpoint({
    ...shared,
    service,
    issuer: new TokenIssuer({ ...settings, key, clock, newId }),
    refreshTokens: new TokenVerifier({ ...believed, type: REFRESH_TYPE }),
  });
  const keySet = { keys: [key.publicJwk] };
  return {
    verifier: new TokenVerifier({ ...believed, type: ACCESS_TYPE }),
    challenge: {
      scheme: "bearer",
      service,
      realm: (request) => `${url ?? originOf(request)}${TOKEN_PATH}`,
    } as Challenge,
    endpoint: async (request: Request, peer: Peer) =>
      new URL(request.url).pathname === KEYS_PATH ? Response.json(keySet) : await endpoint.fetch(request, peer),
  };
}

/** As the client itself wrote it. Whatever it makes of that, it only sends itself somewhere. */
function originOf(request: Request): string {
  return new URL(request.url).origin;
}
