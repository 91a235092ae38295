import {
  type AccessRule,
  type AccessSettings,
  ANONYMOUS_RIGHTS,
  DEFAULT_TOKENS,
  type OwnTokens,
  type TokenService,
} from "#registry";
import type { SettingsReader } from "./settings-reader.ts";

const ACTIONS = ["pull", "push", "delete"] as const;
/** Docker's clients take a token that is good for less for one that is good for so long. */
const LEAST_EXPIRY_MS = 60_000;

/** The key `access`. Without accounts and tokens everybody may do everything, as with any registry that was just started. */
export function readAccess(reader: SettingsReader): AccessSettings {
  return reader.object("access", readSettings) ?? { anonymous: "all" };
}

function readSettings(reader: SettingsReader): AccessSettings {
  const htpasswd = reader.path("htpasswd");
  const tokens = readTokens(reader);
  const tokenService = reader.object("token-service", readTokenService);
  if (tokens !== undefined && htpasswd === undefined)
    throw reader.refuse("tokens", "needs htpasswd: whom to issue them to");
  if (tokenService !== undefined && (tokens ?? htpasswd) !== undefined) {
    throw reader.refuse("token-service", "stands for accounts elsewhere: leave out htpasswd and tokens");
  }
  const groups = reader.map("groups", (members, name) => members.texts(name) ?? []);
  const rules = reader.objects("rules", (rule) => readRule(rule, groups));
  const closed = htpasswd !== undefined || tokenService !== undefined || rules !== undefined;
  return {
    anonymous: reader.oneOf("anonymous", ANONYMOUS_RIGHTS) ?? (closed ? "none" : "all"),
    ...(htpasswd && { htpasswd }),
    ...(tokens && { tokens }),
    ...(tokenService && { tokenService }),
    ...(groups && { groups }),
    ...(rules && { rules }),
  };
}

/** `tokens: true`, or with settings. */
function readTokens(reader: SettingsReader): OwnTokens | undefined {
  if (!reader.isObject("tokens")) return reader.boolean("tokens") ? DEFAULT_TOKENS : undefined;
  return reader.object("tokens", (tokens) => {
    const expiryMs = tokens.durationMs("expiry") ?? DEFAULT_TOKENS.expirySeconds * 1000;
    if (expiryMs < LEAST_EXPIRY_MS) throw tokens.refuse("expiry", "has to be at least 60s");
    const refreshMs = tokens.durationMs("refresh-expiry") ?? DEFAULT_TOKENS.refreshSeconds * 1000;
    return {
      service: tokens.text("service") ?? DEFAULT_TOKENS.service,
      issuer: tokens.text("issuer") ?? DEFAULT_TOKENS.issuer,
      expirySeconds: Math.floor(expiryMs / 1000),
      refreshSeconds: Math.floor(refreshMs / 1000),
    };
  });
}

function readTokenService(reader: SettingsReader): TokenService {
  const realm = reader.url("realm");
  const keys = reader.path("keys");
  if (realm === undefined) throw reader.refuse("realm", "is missing: the address where clients get tokens");
  if (keys === undefined) throw reader.refuse("keys", "is missing: a file with the public keys of the service");
  const issuer = reader.text("issuer");
  return { realm, keys, service: reader.requiredText("service"), ...(issuer && { issuer }) };
}

function readRule(reader: SettingsReader, groups: ReadonlyMap<string, unknown> | undefined): AccessRule {
  const repositories = reader.texts("repositories");
  if (repositories === undefined) throw reader.refuse("repositories", "is missing: which ones the rule is for");
  const users = reader.texts("users");
  const named = reader.texts("groups");
  const anonymous = reader.boolean("anonymous");
  if (users === undefined && named === undefined && anonymous !== true) {
    throw reader.refuse("users", "is missing: whom the rule is for (users, groups or anonymous: true)");
  }
  const stray = named?.find((name) => !groups?.has(name));
  if (stray !== undefined) throw reader.refuse("groups", `has "${stray}", which access.groups does not`);
  const actions = reader.words("actions", ACTIONS);
  if (actions.length === 0) throw reader.refuse("actions", `is missing: some of ${ACTIONS.join(", ")}`);
  return {
    repositories,
    actions,
    ...(users && { users }),
    ...(named && { groups: named }),
    ...(anonymous !== undefined && { anonymous }),
  };
}
