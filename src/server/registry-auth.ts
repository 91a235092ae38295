import type { Credentials } from "#core/distribution";
import { invalid } from "./errors.ts";
import type { ApiRequest } from "./router.ts";

/** The fields of the API's AuthConfig, in lower case, and what we call them. */
const FIELDS = {
  username: "username",
  password: "password",
  identitytoken: "identityToken",
  registrytoken: "registryToken",
  serveraddress: "serverAddress",
} as const satisfies Record<string, keyof Credentials>;

/**
 * The credentials in `X-Registry-Auth`: JSON in base64 (engine-api notes 6). What cannot be read counts as none, as with
 * Docker's daemon: old clients send all sorts of things to registries that need nothing.
 */
export function registryAuth({ headers }: Pick<ApiRequest, "headers">): Credentials | undefined {
  const header = headers.get("x-registry-auth") ?? "";
  if (header === "") return undefined;
  try {
    // Both alphabets of base64, with padding and without.
    return readCredentials(JSON.parse(Buffer.from(header, "base64").toString("utf8")));
  } catch {
    return undefined;
  }
}

/**
 * An AuthConfig as JSON; undefined when nothing in it is set.
 *
 * @throws EngineError `invalid-parameter` for a field that is no string
 */
export function readCredentials(value: unknown): Credentials | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("credentials must be an object");
  const given = new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field as unknown]));
  const credentials: Partial<Record<keyof Credentials, string>> = {};
  for (const [field, name] of Object.entries(FIELDS)) {
    const text = textOf(given.get(field), field);
    if (text !== "") credentials[name] = text;
  }
  // `auth` is how configuration files keep the two. Clients should take it apart, and not all do.
  const pair = credentials.username === undefined ? splitAuth(textOf(given.get("auth"), "auth")) : {};
  const complete = { ...pair, ...credentials };
  return Object.keys(complete).length === 0 ? undefined : complete;
}

function textOf(value: unknown, field: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw invalid(`credentials: field ${JSON.stringify(field)} must be a string`);
  return value;
}

function splitAuth(auth: string): Pick<Credentials, "username" | "password"> {
  const text = Buffer.from(auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon <= 0 ? {} : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Headers that a client wants sent on to the registry. */
export function metaHeaders({ headers }: Pick<ApiRequest, "headers">): Readonly<Record<string, string>> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith("x-meta-")));
}
