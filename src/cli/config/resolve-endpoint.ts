import { type Endpoint, parseEndpoint, type TlsMaterial } from "#client";
import { EngineError, messageOf } from "#lib/errors";
import type { GlobalFlags } from "../flags/global.ts";
import type { ConfigFile } from "./config-file.ts";

/** Where `tugd` listens when nobody says otherwise. */
export const DEFAULT_HOST = "unix:///run/tug/tug.sock";
const DEFAULT_CONTEXT = "default";

type Env = Readonly<Record<string, string | undefined>>;

export interface EndpointSources {
  readonly flags: GlobalFlags;
  readonly given: ReadonlySet<string>;
  readonly env: Env;
  readonly configDirectory: string;
  config(): ConfigFile;
}

/**
 * Which engine to talk to, by the first that is set: `--host`, `--context`, `TUG_HOST`, `DOCKER_HOST`,
 * `DOCKER_CONTEXT`, the configuration's current context, and tug's own socket.
 *
 * @throws EngineError `invalid-parameter` for hosts and files that make no sense.
 */
export async function resolveEndpoint(sources: EndpointSources): Promise<Endpoint> {
  const { flags, env } = sources;
  if (flags.host.length > 1) throw unresolved("Specify only one -H");
  const name = contextName(sources);
  try {
    if (name !== DEFAULT_CONTEXT) {
      const { contextEndpoint } = await import("./context-store.ts");
      return contextEndpoint(sources.configDirectory, name);
    }
    const host = flags.host[0] ?? (env.TUG_HOST || env.DOCKER_HOST || DEFAULT_HOST);
    const plain = parseEndpoint(host);
    const tls = plain.kind === "tcp" ? readTls(sources) : undefined;
    return tls === undefined ? plain : parseEndpoint(host, tls);
  } catch (error) {
    throw unresolved(messageOf(error), error);
  }
}

/** The name of the context in force; `default` stands for the host of flags and environment. */
export function contextName(sources: EndpointSources): string {
  const { flags, env } = sources;
  if (flags.context !== "") return flags.context;
  if (flags.host.length > 0 || env.TUG_HOST || env.DOCKER_HOST) return DEFAULT_CONTEXT;
  return env.DOCKER_CONTEXT || sources.config().currentContext || DEFAULT_CONTEXT;
}

function readTls(sources: EndpointSources): TlsMaterial | undefined {
  const { flags, given, env } = sources;
  const verify = given.has("tlsverify") ? flags.tlsverify : (env.DOCKER_TLS_VERIFY ?? "") !== "";
  if (!verify && !flags.tls && (env.DOCKER_TLS ?? "") === "") return undefined;
  const directory = env.DOCKER_CERT_PATH || sources.configDirectory;
  const ca = readKeyFile(flags.tlscacert || `${directory}/ca.pem`, verify || given.has("tlscacert"));
  const cert = readKeyFile(flags.tlscert || `${directory}/cert.pem`, given.has("tlscert"));
  const key = readKeyFile(flags.tlskey || `${directory}/key.pem`, given.has("tlskey"));
  return { verify, ...(ca && verify ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
}

/** A file that the user did not name may be missing. */
function readKeyFile(path: string, required: boolean): string | undefined {
  try {
    return process.getBuiltinModule("node:fs").readFileSync(path, "utf8");
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function unresolved(message: string, cause?: unknown): EngineError {
  const text = `Failed to initialize: unable to resolve tug endpoint: ${message}`;
  return new EngineError("invalid-parameter", text, { cause });
}
