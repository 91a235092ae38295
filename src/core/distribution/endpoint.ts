import { type RepositoryName, splitRepository } from "#api/distribution";
import type { RegistrySettings } from "./settings.ts";

/** The registry of names without one, and the host where its API is. */
export const DOCKER_HUB = "docker.io";
export const DOCKER_HUB_API_HOST = "registry-1.docker.io";

/** One place where a repository may be found. */
export interface Endpoint {
  /** Of the registry, as in references and in the settings: `docker.io`, `example.com:5000`. For a mirror, its own host. */
  readonly host: string;
  /** What the API's paths are below: `https://example.com:5000/`. Without a scheme that is certain: https first. */
  readonly base: URL;
  /** False when the scheme of `base` was chosen by us, and an insecure registry may speak HTTP instead. */
  readonly isSchemeFixed: boolean;
  /** The repository there. */
  readonly path: string;
  readonly isMirror: boolean;
}

/** Where to look for a repository, in this order. A push goes to the registry itself. */
export function endpointsOf(name: RepositoryName, action: "pull" | "push", settings: RegistrySettings): Endpoint[] {
  const { domain, path } = splitRepository(name);
  const rewritten = rewritePath(domain, path, settings);
  const mirrors = action === "pull" ? mirrorsOf(domain, settings) : [];
  return [...mirrors.map((address) => mirrorEndpoint(address, rewritten)), registryEndpoint(domain, rewritten)];
}

/** The registry itself, without a look at its mirrors. */
export function registryEndpoint(host: string, path = ""): Endpoint {
  const apiHost = host === DOCKER_HUB ? DOCKER_HUB_API_HOST : host;
  return { host, base: new URL(`https://${apiHost}/`), isSchemeFixed: host === DOCKER_HUB, path, isMirror: false };
}

function mirrorEndpoint(address: string, path: string): Endpoint {
  const base = new URL(address.endsWith("/") ? address : `${address}/`);
  return { host: base.host, base, isSchemeFixed: true, path, isMirror: true };
}

function mirrorsOf(domain: string, { rules, mirrors }: RegistrySettings): readonly string[] {
  const own = rules.get(domain)?.mirrors ?? [];
  return domain === DOCKER_HUB ? [...own, ...mirrors] : own;
}

/** What a path is called at that registry and its mirrors. */
export function rewritePath(domain: string, path: string, { rules }: RegistrySettings): string {
  const rule = rules.get(domain)?.rewrite.find(({ from }) => path.startsWith(from));
  return rule ? rule.to + path.slice(rule.from.length) : path;
}
