import { EngineError } from "#lib/errors";
import { changeConfigFile } from "../config/change-config-file.ts";
import { type AuthEntry, readConfigFile } from "../config/config-file.ts";
import { type CredentialStore, hostOf, type Login } from "./credentials.ts";

export interface FileStoreOptions {
  readonly directory: string;
  /** Called when a password has been written where everybody who may read the file can read it. */
  onPlainPassword?(path: string): void;
}

/** Logins in the configuration file itself: encoded, but open to whoever can read it. */
export class FileStore implements CredentialStore {
  readonly #options: FileStoreOptions;

  constructor(options: FileStoreOptions) {
    this.#options = options;
  }

  async get(server: string): Promise<Login | undefined> {
    return findLogin(this.#auths(), server);
  }

  async store(server: string, login: Login): Promise<void> {
    const entry = encodeEntry(login);
    if (JSON.stringify(this.#auths()[server]) === JSON.stringify(entry)) return;
    const path = await changeConfigFile(this.#options.directory, (config) => {
      config.auths = { ...(config.auths as object | undefined), [server]: entry };
    });
    if (login.password !== undefined) this.#options.onPlainPassword?.(path);
  }

  async erase(server: string): Promise<void> {
    if (!Object.hasOwn(this.#auths(), server)) return;
    await changeConfigFile(this.#options.directory, (config) => {
      const { [server]: _, ...others } = config.auths as Record<string, unknown>;
      config.auths = others;
    });
  }

  async list(): Promise<readonly string[]> {
    return Object.keys(this.#auths());
  }

  #auths(): Readonly<Record<string, AuthEntry>> {
    return readConfigFile(this.#options.directory).auths ?? {};
  }
}

/** The login of a server; entries of old files are named by addresses. */
export function findLogin(auths: Readonly<Record<string, AuthEntry>>, server: string): Login | undefined {
  const name = Object.hasOwn(auths, server) ? server : Object.keys(auths).find((each) => hostOf(each) === server);
  if (name === undefined) return undefined;
  const login = decodeEntry(auths[name] ?? {}, name);
  return Object.keys(login).length === 0 ? undefined : login;
}

/** @throws EngineError `invalid-parameter` for an `auth` that is not `name:password` */
function decodeEntry({ auth = "", identitytoken, registrytoken, username, password }: AuthEntry, name: string): Login {
  const text = Buffer.from(auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (auth !== "" && colon <= 0) {
    throw new EngineError("invalid-parameter", `credentials of ${name}: the configuration file holds no valid "auth"`);
  }
  const pair =
    auth === "" ? { username, password } : { username: text.slice(0, colon), password: text.slice(colon + 1) };
  return {
    ...(pair.username && { username: pair.username }),
    ...(pair.password && { password: pair.password.replace(/\0+$/, "") }),
    ...(identitytoken && { identityToken: identitytoken }),
    ...(registrytoken && { registryToken: registrytoken }),
  };
}

function encodeEntry({ username, password, identityToken, registryToken }: Login): AuthEntry {
  const auth = username === undefined ? "" : Buffer.from(`${username}:${password ?? ""}`).toString("base64");
  return {
    ...(auth !== "" && { auth }),
    ...(identityToken && { identitytoken: identityToken }),
    ...(registryToken && { registrytoken: registryToken }),
  };
}
