import { EngineClient } from "#client";
import { EngineError } from "#lib/errors";
import { type ConfigFile, readConfigFile } from "./config/config-file.ts";
import { contextName, type EndpointSources, resolveEndpoint } from "./config/resolve-endpoint.ts";
import type { GlobalFlags } from "./flags/global.ts";
import type { Io } from "./io.ts";

/** What a command works with: its streams, the user's configuration, and the engine. */
export interface Context {
  readonly io: Io;
  /** The words that lead to the command, such as `tug container ls`. */
  readonly commandPath: string;
  readonly debug: boolean;
  /** Where configuration is read from. */
  readonly configDirectory: string;
  readonly contextName: () => string;
  readonly config: () => ConfigFile;
  /** The engine's client, the same for the whole command. Throws `invalid-parameter` for an unusable host. */
  readonly engine: () => Promise<EngineClient>;
}

export interface ContextOptions {
  readonly io: Io;
  readonly flags: GlobalFlags;
  readonly given: ReadonlySet<string>;
  readonly commandPath: string;
}

export function createContext({ io, flags, given, commandPath }: ContextOptions): Context {
  const configDirectory = flags.config || io.env.DOCKER_CONFIG || `${io.home}/.docker`;
  const config = once(() => configOrWarning(io, configDirectory));
  const sources: EndpointSources = { flags, given, env: io.env, configDirectory, config };
  const engine = once(async () => {
    const endpoint = await resolveEndpoint(sources);
    const apiVersion = io.env.DOCKER_API_VERSION?.replace(/^v/, "");
    return new EngineClient({
      endpoint,
      userAgent: `Tug-Client/${io.release.version} (linux)`,
      headers: config().HttpHeaders ?? {},
      ...(apiVersion ? { apiVersion } : {}),
    });
  });
  return {
    io,
    commandPath,
    debug: flags.debug,
    configDirectory,
    contextName: () => contextName(sources),
    config,
    engine,
  };
}

/** A file that makes no sense keeps nobody from the engine: it is told and passed over, as by Docker's command line. */
function configOrWarning(io: Io, directory: string): ConfigFile {
  try {
    return readConfigFile(directory);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    io.stderr.write(`WARNING: Error ${error.message}\n`);
    return {};
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
