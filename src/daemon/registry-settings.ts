import {
  DEFAULT_REGISTRY_SETTINGS,
  isRegistryHost,
  type ProxySettings,
  parseInsecureRegistry,
  type RegistryRule,
  type RegistrySettings,
} from "#core/distribution";
import { EngineError, messageOf } from "#lib/errors";

/** What was said of registries, still as text. */
interface SaidOfRegistries {
  readonly mirrors: readonly string[];
  readonly insecureRegistries: readonly string[];
  /** Host and JSON. */
  readonly rules: readonly (readonly [string, string])[];
  readonly proxies: ProxySettings;
  readonly maxConcurrentDownloads: number;
  readonly maxConcurrentUploads: number;
  readonly maxDownloadAttempts: number;
}

/** @throws `invalid-parameter` in dockerd's words where it has the option */
export function parseRegistrySettings(said: SaidOfRegistries): RegistrySettings {
  for (const [scheme, address] of Object.entries({ http: said.proxies.http, https: said.proxies.https }))
    checkProxy(scheme, address);
  return {
    mirrors: said.mirrors.map(parseMirror),
    insecureRegistries: said.insecureRegistries.map(parseInsecureRegistry),
    rules: new Map(said.rules.map(([host, json]) => [host, parseRule(host, json)])),
    proxies: said.proxies,
    maxConcurrentDownloads: unlimited(said.maxConcurrentDownloads),
    maxConcurrentUploads: unlimited(said.maxConcurrentUploads),
    maxDownloadAttempts: said.maxDownloadAttempts || DEFAULT_REGISTRY_SETTINGS.maxDownloadAttempts,
  };
}

/**
 * Takes the proxies out of the environment. They must not stay there: the runtime would use them for every connection, whatever the
 * configuration says.
 */
export function takeProxies(environment: Record<string, string | undefined>): ProxySettings {
  const take = (name: string) => {
    const value = environment[name.toUpperCase()] ?? environment[name] ?? "";
    delete environment[name.toUpperCase()];
    delete environment[name];
    return value;
  };
  return { http: take("http_proxy"), https: take("https_proxy"), no: take("no_proxy") };
}

/** What the configuration does not say, the environment may. */
export function orElse(said: ProxySettings, environment: ProxySettings): ProxySettings {
  return {
    http: said.http || environment.http,
    https: said.https || environment.https,
    no: said.no || environment.no,
  };
}

/** As with dockerd, 0 is no limit. */
function unlimited(count: number): number {
  return count === 0 ? Number.POSITIVE_INFINITY : count;
}

function parseMirror(address: string): string {
  const scheme = /^([^:/]*):\/\//.exec(address)?.[1];
  if (!scheme) {
    throw invalid(`invalid mirror: no scheme specified for "${address}": must use either 'https://' or 'http://'`);
  }
  const url = URL.parse(address);
  if (!url) throw invalid(`invalid mirror: "${address}" is not a valid URI`);
  if (!/^https?:$/.test(url.protocol)) {
    throw invalid(
      `invalid mirror: unsupported scheme "${scheme}" in "${address}": must use either 'https://' or 'http://'`,
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw invalid(`invalid mirror: query or fragment at end of the URI "${address}"`);
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(`invalid mirror: username/password not allowed in URI of host "${url.host}"`);
  }
  return address.endsWith("/") ? address : `${address}/`;
}

function parseRule(host: string, json: string): RegistryRule {
  if (!isRegistryHost(host)) throw invalid(`registries: "${host}" is no host or host:port`);
  const { mirrors = [], rewrite = [], insecure = false, ...others } = parseObject(host, json);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw invalid(`registries: ${host}: "${unknown}" has no meaning here: give mirrors, rewrite and insecure`);
  }
  if (typeof insecure !== "boolean") throw invalid(`registries: ${host}: insecure has to be true or false`);
  if (!Array.isArray(mirrors) || !mirrors.every((mirror) => typeof mirror === "string")) {
    throw invalid(`registries: ${host}: mirrors has to be a list of addresses`);
  }
  if (!Array.isArray(rewrite) || !rewrite.every(isRewrite)) {
    throw invalid(`registries: ${host}: rewrite has to be a list of {"from": prefix, "to": prefix}`);
  }
  return { mirrors: mirrors.map(parseMirror), rewrite, insecure };
}

function parseObject(host: string, json: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw invalid(`registries: ${host}: ${messageOf(cause)}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw invalid(`registries: ${host}: has to be an object`);
  }
  return document as Record<string, unknown>;
}

function isRewrite(value: unknown): value is { from: string; to: string } {
  const { from, to } = (value ?? {}) as { from?: unknown; to?: unknown };
  return typeof from === "string" && from !== "" && typeof to === "string";
}

/** Its password, if there is one, stays out of the message. */
function checkProxy(scheme: string, address: string): void {
  const url = URL.parse(address.includes("://") ? address : `http://${address}`);
  if (address === "" || (url && /^https?:$/.test(url.protocol))) return;
  throw invalid(`${scheme}-proxy: not an address of a proxy: give http://host:port`);
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
