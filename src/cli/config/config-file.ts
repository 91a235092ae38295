import { EngineError, messageOf } from "#lib/errors";

/** What tug reads of Docker's `config.json`. Fields of other tools are left alone. */
export interface ConfigFile {
  readonly HttpHeaders?: Readonly<Record<string, string>>;
  readonly currentContext?: string;
  readonly detachKeys?: string;
  readonly psFormat?: string;
  readonly imagesFormat?: string;
  readonly networksFormat?: string;
  readonly volumesFormat?: string;
  readonly proxies?: Readonly<Record<string, ProxyConfig>>;
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  /** The credential helper for registries that `credHelpers` does not name. */
  readonly credsStore?: string;
  /** Credential helpers by the host of the registry. */
  readonly credHelpers?: Readonly<Record<string, string>>;
}

/** What the file keeps for one registry. */
export interface AuthEntry {
  /** Base64 of `name:password`. */
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

export interface ProxyConfig {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly noProxy?: string;
  readonly ftpProxy?: string;
  readonly allProxy?: string;
}

/**
 * Reads the configuration of a directory; none or an empty one says nothing.
 *
 * @throws EngineError `invalid-parameter` for a file that is not JSON.
 */
export function readConfigFile(directory: string): ConfigFile {
  const path = `${directory}/config.json`;
  // Asked of Bun, so that who has no such file needs not load `node:fs`.
  if (Bun.file(path).size === 0) return {};
  let text: string;
  try {
    text = process.getBuiltinModule("node:fs").readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new EngineError("invalid-parameter", `loading config file: ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new Error("not a JSON object");
    return parsed;
  } catch (error) {
    throw new EngineError("invalid-parameter", `parsing config file: ${path}: ${messageOf(error)}`, { cause: error });
  }
}
