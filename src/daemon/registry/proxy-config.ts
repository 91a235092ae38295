import type { SettingsReader } from "./settings-reader.ts";

/** Registries behind this one. */
export interface ProxyConfig {
  readonly upstreams: readonly UpstreamConfig[];
  /** How much of them is kept. Undefined: all. */
  readonly limitBytes: number | undefined;
}

export interface UpstreamConfig {
  /** Repositories below this name are theirs; empty: all are. */
  readonly prefix: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** A file with the password, so that it need not stand in the configuration. */
  readonly passwordFile: string | undefined;
  readonly ttlMs: number;
}

const DEFAULT_TTL_MS = 5 * 60_000;

/**
 * The keys `proxy` and `proxy-limit`. Either `{"docker.io": {url: …}, …}`, by the name under which each registry's repositories
 * are found here, or docker-registry's `{remoteurl: …}`, a mirror of one registry as a whole.
 */
export function readProxy(reader: SettingsReader): ProxyConfig | undefined {
  const limitBytes = reader.bytes("proxy-limit");
  const upstreams = readMirror(reader) ?? readPrefixes(reader);
  return upstreams && { upstreams, limitBytes };
}

function readMirror(reader: SettingsReader): readonly UpstreamConfig[] | undefined {
  if (!reader.hasWithin("proxy", "remoteurl")) return undefined;
  return reader.object("proxy", (mirror) => [readUpstream(mirror, "", mirror.url("remoteurl"))]);
}

function readPrefixes(reader: SettingsReader): readonly UpstreamConfig[] | undefined {
  const found = reader.map("proxy", (members, prefix) => {
    if (!/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(prefix))
      throw members.refuse(prefix, "cannot be part of a repository's name");
    return members.object(prefix, (upstream) => readUpstream(upstream, prefix, upstream.url("url")));
  });
  return found && [...found.values()].flatMap((upstream) => upstream ?? []);
}

function readUpstream(reader: SettingsReader, prefix: string, url: string | undefined): UpstreamConfig {
  if (url === undefined)
    throw reader.refuse("url", "is missing: the address of the registry, such as https://registry-1.docker.io");
  if (new URL(url).pathname !== "/")
    throw reader.refuse(reader.has("remoteurl") ? "remoteurl" : "url", "has to be without a path");
  return {
    prefix,
    url,
    username: reader.text("username") ?? "",
    password: reader.text("password") ?? "",
    passwordFile: reader.path("password-file"),
    ttlMs: reader.durationMs("ttl") ?? DEFAULT_TTL_MS,
  };
}
