import { type RepositoryName, splitRepository } from "#api/distribution";
import { Slots } from "#lib/async";
import type { Clock } from "#lib/time";
import { Connections } from "./connections.ts";
import type {
  Credentials,
  LoginResult,
  Registries,
  RemoteRepository,
  RepositoryOptions,
  SearchOptions,
  SearchResult,
} from "./distribution.ts";
import { endpointsOf, rewritePath } from "./endpoint.ts";
import type { Wire } from "./follow.ts";
import type { ResolveHost } from "./insecure.ts";
import { logIn } from "./login.ts";
import { createRepository } from "./repository.ts";
import { type Patience, patiently } from "./retry.ts";
import { searchRegistry } from "./search.ts";
import { Session, type SessionParts } from "./session.ts";
import type { RegistrySettings } from "./settings.ts";
import { Tokens } from "./tokens.ts";
import type { Fetch } from "./transport.ts";

export interface RegistriesParts {
  /** Asked each time, so that they may change. */
  readonly settings: () => RegistrySettings;
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** From 0 up to 1: spreads those who try again at the same time. */
  readonly random: () => number;
  /** Folders with a folder for each host: `/etc/docker/certs.d`. */
  readonly certificateFolders: readonly string[];
  /** The authorities that this machine trusts, as one PEM text. */
  readonly systemAuthorities: () => string;
  /** Addresses of a host name; empty when there are none. */
  readonly resolveHost: ResolveHost;
  readonly userAgent: string;
}

export function createRegistries(parts: RegistriesParts): Registries {
  return new ConfiguredRegistries(parts);
}

class ConfiguredRegistries implements Registries {
  readonly #settings: () => RegistrySettings;
  readonly #session: SessionParts;
  readonly #patience: Patience;
  readonly #downloads: Slots;
  readonly #uploads: Slots;

  constructor({ settings, fetch, clock, userAgent, random, ...trust }: RegistriesParts) {
    const wire: Wire = {
      transport: { fetch, clock, userAgent, proxies: () => settings().proxies },
      trust: { settings, ...trust },
    };
    this.#settings = settings;
    this.#session = { wire, connections: new Connections(wire, settings), tokens: new Tokens(wire) };
    this.#patience = { clock, random, attempts: () => settings().maxDownloadAttempts };
    this.#downloads = new Slots(() => settings().maxConcurrentDownloads);
    this.#uploads = new Slots(() => settings().maxConcurrentUploads);
  }

  get settings(): RegistrySettings {
    return this.#settings();
  }

  repository(name: RepositoryName, { credentials, action, headers }: RepositoryOptions): RemoteRepository {
    const settings = this.#settings();
    const sessions = endpointsOf(name, action, settings).map((endpoint) => {
      // Credentials and messages are for the registry; who runs a mirror is somebody else.
      const own = endpoint.isMirror ? {} : { ...(credentials && { credentials }), ...(headers && { headers }) };
      const scope = `repository:${endpoint.path}:${action === "push" ? "pull,push" : "pull"}`;
      return new Session(this.#session, { endpoint, action, scope, ...own });
    });
    return createRepository({
      name,
      sessions,
      rewrite: (path) => rewritePath(splitRepository(name).domain, path, settings),
      patience: this.#patience,
      downloads: this.#downloads,
      uploads: this.#uploads,
    });
  }

  login(credentials: Credentials, signal: AbortSignal): Promise<LoginResult> {
    return patiently(this.#patience, signal, () => logIn(this.#session, credentials, signal));
  }

  search(term: string, options: SearchOptions): Promise<SearchResult[]> {
    return patiently(this.#patience, options.signal, () => searchRegistry(this.#session, term, options));
  }
}
