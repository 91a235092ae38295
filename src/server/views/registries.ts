import type { IndexInfo, RegistryServiceConfig } from "#api/engine";
import type { RegistrySettings } from "#core/distribution";
import type { Wire } from "./wire.ts";

const HUB = "docker.io";
/** Networks that every engine talks to without TLS. */
const LOOPBACK = ["::1/128", "127.0.0.0/8"];

/** How registries are reached, for `/info`: hosts that something is said of, and networks that need no TLS. */
export function registryConfig({ mirrors, insecureRegistries, rules }: RegistrySettings): Wire<RegistryServiceConfig> {
  const networks = insecureRegistries.filter((name) => name.includes("/"));
  const hosts = insecureRegistries.filter((name) => !name.includes("/"));
  const indexes = new Map<string, Wire<IndexInfo>>([[HUB, index(HUB, { mirrors, secure: true })]]);
  for (const [host, rule] of rules) {
    const own = host === HUB ? mirrors : [];
    indexes.set(host, index(host, { mirrors: [...own, ...rule.mirrors], secure: !rule.insecure }));
  }
  for (const host of hosts) {
    indexes.set(host, { ...(indexes.get(host) ?? index(host, { mirrors: [], secure: false })), Secure: false });
  }
  return {
    IndexConfigs: Object.fromEntries(indexes),
    InsecureRegistryCIDRs: [...LOOPBACK, ...networks],
    Mirrors: mirrors.length === 0 ? null : [...mirrors],
  };
}

function index(name: string, { mirrors, secure }: { mirrors: readonly string[]; secure: boolean }): Wire<IndexInfo> {
  return { Mirrors: [...mirrors], Name: name, Official: name === HUB, Secure: secure };
}

/** The address of a proxy without what logs in to it. */
export function withoutPassword(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (url.username === "" && url.password === "") return address;
  return address.replace(/\/\/[^@]*@/, "//xxxxx:xxxxx@");
}
