/** Under this name the credentials of Docker Hub are kept, since the days of its first API. */
export const HUB_SERVER = "https://index.docker.io/v1/";

/** What is kept for one registry: a name with a password, or a token that an earlier login was given. */
export interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

/** Where logins are kept: the configuration file, a credential helper, the environment. Servers are named as by `serverOf`. */
export interface CredentialStore {
  /** Undefined when there is none for this server. */
  get(server: string): Promise<Login | undefined>;
  store(server: string, login: Login): Promise<void>;
  /** No error when there is nothing to erase. */
  erase(server: string): Promise<void>;
  /** The servers that there is a login for. */
  list(): Promise<readonly string[]>;
}

/** The server of the registry that a reference names. */
export function serverOfDomain(domain: string): string {
  return domain === "docker.io" ? HUB_SERVER : domain;
}

/** The server that a user names to log in to: nothing and `docker.io` are Docker Hub, an address is cut down to its host. */
export function serverOf(text: string): string {
  return text === "" || text === "docker.io" || text === HUB_SERVER ? HUB_SERVER : hostOf(text);
}

/** `https://r.test:5000/v2/` → `r.test:5000`. */
export function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
}

/** The login in the form that engines take in `X-Registry-Auth`: base64 of URLs with its padding, on which Docker's insists. */
export function encodeLogin(server: string, login: Login): string {
  const text = Buffer.from(JSON.stringify(authConfig(server, login))).toString("base64");
  return text.replaceAll("+", "-").replaceAll("/", "_");
}

/** The login as the API's AuthConfig. */
export function authConfig(server: string, login: Login): Record<string, string> {
  const { username, password, identityToken, registryToken } = login;
  return {
    ...(username && { username }),
    ...(password && { password }),
    ...(identityToken && { identitytoken: identityToken }),
    ...(registryToken && { registrytoken: registryToken }),
    serveraddress: server,
  };
}
