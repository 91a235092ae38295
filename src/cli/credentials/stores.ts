import { EngineError, messageOf } from "#lib/errors";
import type { AuthEntry, ConfigFile } from "../config/config-file.ts";
import type { Context } from "../context.ts";
import { type CredentialStore, encodeLogin, type Login, serverOfDomain } from "./credentials.ts";
import { FileStore, findLogin } from "./file-store.ts";
import { HelperStore, hasHelper } from "./helper-store.ts";

/** In this variable a login may come without a file: `{"auths":{"HOST":{"auth":"…"}}}`. */
export const AUTH_VARIABLE = "DOCKER_AUTH_CONFIG";

type StoreContext = Pick<Context, "io" | "config" | "configDirectory">;

/**
 * Where the login of a server is kept: with the helper that the configuration names for it, or for all; else in the file. What the
 * environment holds goes before both.
 */
export function storeFor(context: StoreContext, server: string): CredentialStore {
  const { io, configDirectory: directory } = context;
  const file = new FileStore({ directory, onPlainPassword: (path) => io.stderr.write(plainPasswordWarning(path)) });
  const helper = helperFor(context, server);
  const kept = helper === undefined ? file : beside(file, new HelperStore(helper, io.env));
  const given = environmentAuths(context);
  return given === undefined ? kept : behind(given, kept);
}

/** For `X-Registry-Auth`: the login of the registry that a reference names. A store that fails is as good as none: the registry decides. */
export async function registryAuth(context: StoreContext, domain: string): Promise<string | undefined> {
  const server = serverOfDomain(domain);
  const login = await storeFor(context, server)
    .get(server)
    .catch(() => undefined);
  return login && encodeLogin(server, login);
}

/** Every server that there is a login for, of whatever kind of store. */
export async function knownServers(context: StoreContext): Promise<string[]> {
  const { credHelpers = {} } = context.config();
  const all = await storeFor(context, "")
    .list()
    .catch(() => []);
  return [...new Set([...all, ...Object.keys(credHelpers)])].sort();
}

function helperFor({ config, io }: StoreContext, server: string): string | undefined {
  const { credHelpers = {}, credsStore, auths = {} } = config();
  if (Object.hasOwn(credHelpers, server)) return credHelpers[server];
  if (credsStore) return credsStore;
  const isFresh = Object.keys(credHelpers).length === 0 && Object.keys(auths).length === 0;
  return isFresh ? systemHelper(io.env) : undefined;
}

/** Nothing was decided yet: take the keychain of the system if its helper is installed. */
function systemHelper(env: StoreContext["io"]["env"]): string | undefined {
  const name = Bun.which("pass", { PATH: env.PATH ?? "" }) === null ? "secretservice" : "pass";
  return hasHelper(name, env) ? name : undefined;
}

/** Logins in a helper. The file says only which servers there are, for people and for other tools. */
function beside(file: FileStore, helper: HelperStore): CredentialStore {
  return {
    get: (server) => helper.get(server),
    async store(server, login) {
      await helper.store(server, login);
      await file.store(server, {});
    },
    async erase(server) {
      await helper.erase(server);
      await file.erase(server);
    },
    list: () => helper.list(),
  };
}

/** The environment's logins first. It cannot be changed from here, so storing and erasing go to the other store. */
function behind(given: Readonly<Record<string, AuthEntry>>, kept: CredentialStore): CredentialStore {
  return {
    get: async (server): Promise<Login | undefined> => findLogin(given, server) ?? kept.get(server),
    store: (server, login) => kept.store(server, login),
    erase: (server) => kept.erase(server),
    list: async () => [...Object.keys(given), ...(await kept.list())],
  };
}

function environmentAuths({ io }: StoreContext): Readonly<Record<string, AuthEntry>> | undefined {
  const text = io.env[AUTH_VARIABLE] ?? "";
  if (text === "") return undefined;
  try {
    const { auths } = JSON.parse(text) as ConfigFile;
    if (typeof auths !== "object" || auths === null) throw new EngineError("invalid-parameter", 'it has no "auths"');
    return auths;
  } catch (error) {
    io.stderr.write(`Failed to create credential store from ${AUTH_VARIABLE}: ${reason(error)}\n`);
    return undefined;
  }
}

/** The parser's own message may quote the secret it stumbled over. */
function reason(error: unknown): string {
  return error instanceof EngineError ? messageOf(error) : "not a JSON object";
}

function plainPasswordWarning(path: string): string {
  return `
WARNING! Your credentials are stored unencrypted in '${path}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/

`;
}
