import { BlockList, isIP } from "node:net";
import { addNetwork, familyOf, hostnameOf } from "./insecure.ts";
import type { ProxySettings } from "./settings.ts";

/** The proxy for an address, if it is to be reached through one. Loopback never is; the rules of `no` are Go's. */
export function proxyFor(url: URL, proxies: ProxySettings): string | undefined {
  const proxy = url.protocol === "https:" ? proxies.https : proxies.http;
  if (proxy === "" || isLoopback(url) || isExempt(url, proxies.no)) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

function isLoopback({ hostname }: URL): boolean {
  const host = hostnameOf(hostname);
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function isExempt(url: URL, rules: string): boolean {
  const host = hostnameOf(url.hostname).toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return rules.split(",").some((rule) => fits(rule.trim().toLowerCase(), host, port));
}

function fits(rule: string, host: string, port: string): boolean {
  if (rule === "" || rule === "*") return rule === "*";
  if (rule.includes("/")) return isInNetwork(host, rule);
  const [, name = "", rulePort] = /^(.*?)(?::(\d+))?$/.exec(isIP(rule) ? `[${rule}]` : rule) ?? [];
  if (rulePort !== undefined && rulePort !== port) return false;
  const domain = hostnameOf(name).replace(/^\*?\./, "");
  const takesItself = !/^\*?\./.test(name);
  return (takesItself && host === domain) || (!isIP(host) && host.endsWith(`.${domain}`));
}

function isInNetwork(host: string, network: string): boolean {
  const list = new BlockList();
  return isIP(host) !== 0 && addNetwork(list, network) && list.check(host, familyOf(host));
}
