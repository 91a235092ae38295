import { parseReference, repositoryOf, type Tag } from "#api/distribution";
import type { Digest } from "#api/oci";
import {
  DEFAULT_REGISTRY_SETTINGS,
  type ProxySettings,
  type Registries,
  type RegistrySettings,
} from "#core/distribution";
import { EngineError, isKind, messageOf } from "#lib/errors";
import type { UpstreamSource } from "#registry";
import type { UpstreamConfig } from "./proxy-config.ts";

/** How other registries are reached from this machine. */
export interface Reach {
  registries(settings: () => RegistrySettings): Registries;
  readonly proxies: ProxySettings;
}

/** Clients wait for an answer, and what is cached is a better one than a late one. */
const ATTEMPTS_TO_ASK = 1;

/**
 * The client of registries as what a pull-through cache fills itself from. It knows no mirrors: one of those could be this very
 * registry.
 */
export function createUpstreamSource(
  config: UpstreamConfig & { readonly password: string },
  { registries, proxies }: Reach,
): UpstreamSource {
  const { protocol } = new URL(config.url);
  const host = domainOf(config.url);
  const rules = new Map([[host, { mirrors: [], rewrite: [], insecure: protocol === "http:" }]]);
  const settings = { ...DEFAULT_REGISTRY_SETTINGS, rules, proxies };
  const asking = registries(() => ({ ...settings, maxDownloadAttempts: ATTEMPTS_TO_ASK }));
  const fetching = registries(() => settings);
  const { username, password } = config;
  const credentials = username === "" ? {} : { credentials: { username, password, serverAddress: host } };
  const open = (registries: Registries, repository: string) => {
    const name = repositoryOf(parseReference(`${host}/${repository}`));
    return registries.repository(name, { action: "pull", ...credentials });
  };
  return {
    resolve: (repository, reference, signal) =>
      asked(async () => (await open(asking, repository).resolve(reference as Tag | Digest, signal)).digest),
    manifest: (repository, digest, signal) =>
      asked(async () => {
        const { bytes, descriptor } = await open(fetching, repository).manifest(digest, signal);
        return { bytes, mediaType: descriptor.mediaType };
      }),
    blob: (repository, { digest, size }, signal) =>
      open(fetching, repository).blob({ mediaType: "application/octet-stream", digest, size }, { signal }),
  };
}

/** As references name it: Docker Hub by its own name, and a host that has neither dot nor port with a port. */
function domainOf(url: string): string {
  const { host, protocol } = new URL(url);
  if (host === "docker.io" || host.endsWith(".docker.io")) return "docker.io";
  if (/[.:]/.test(host) || host === "localhost") return host;
  return `${host}:${protocol === "http:" ? 80 : 443}`;
}

/**
 * What a registry will not show us is not there for our clients: registries answer so for what does not exist, and whether our
 * own credentials are at fault is nothing that a client could mend.
 */
async function asked<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (["not-found", "unauthorized", "forbidden"].some((kind) => error instanceof EngineError && error.kind === kind))
      return undefined;
    if (isKind(error, "canceled") || isKind(error, "unavailable")) throw error;
    throw new EngineError("unavailable", messageOf(error), { cause: error });
  }
}
