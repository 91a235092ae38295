import type { ConfigFile } from "../config/config-file.ts";

const VARIABLES = {
  httpProxy: "HTTP_PROXY",
  httpsProxy: "HTTPS_PROXY",
  noProxy: "NO_PROXY",
  ftpProxy: "FTP_PROXY",
  allProxy: "ALL_PROXY",
} as const;

/**
 * The variables, in both cases, by which the programs of a container learn of the proxies that the configuration names
 * for this engine or by `default`. What the user set stays: `given` are the entries of `--env`.
 */
export function proxyEnvironment(config: ConfigFile, host: string, given: readonly string[]): string[] {
  const proxies = config.proxies?.[host] ?? config.proxies?.default;
  if (proxies === undefined) return [];
  const names = new Set(given.map((entry) => entry.split("=")[0]));
  return Object.entries(VARIABLES).flatMap(([field, name]) => {
    const value = proxies[field as keyof typeof VARIABLES] ?? "";
    if (value === "") return [];
    return [name, name.toLowerCase()].filter((each) => !names.has(each)).map((each) => `${each}=${value}`);
  });
}
