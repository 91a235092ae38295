import type { Digest } from "#api/oci";

/** Another registry, as a pull-through cache asks it. Credentials, retries and resumed transfers are its own affair. */
export interface UpstreamSource {
  /** What a tag or digest names now; undefined when there is no such thing for us. @throws `unavailable` */
  resolve(repository: string, reference: string, signal: AbortSignal): Promise<Digest | undefined>;
  /** A manifest whose bytes have this digest. @throws `unavailable` */
  manifest(repository: string, digest: Digest, signal: AbortSignal): Promise<UpstreamManifest | undefined>;
  /** The bytes of a blob, exactly as many as `size`; whether they have the digest, we check. */
  blob(
    repository: string,
    blob: { readonly digest: Digest; readonly size: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
}

export interface UpstreamManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/** Which repositories here are those of which registry there. */
export interface UpstreamRoute {
  /** Repositories below this name, as in `docker.io/library/busybox`; empty for all: a mirror as a whole. */
  readonly prefix: string;
  readonly source: UpstreamSource;
  /** For how long a tag is believed without asking. */
  readonly ttlMs: number;
}

/** The route of a repository with what is left of its name; the longest prefix decides. */
export function routeFor(
  routes: readonly UpstreamRoute[],
  repository: string,
): { readonly route: UpstreamRoute; readonly name: string } | undefined {
  const fitting = routes.filter(({ prefix }) => prefix === "" || repository.startsWith(`${prefix}/`));
  const [route] = fitting.sort((a, b) => b.prefix.length - a.prefix.length);
  if (route === undefined) return undefined;
  return { route, name: route.prefix === "" ? repository : repository.slice(route.prefix.length + 1) };
}
