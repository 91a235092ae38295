/** The text of the files that an engine puts into every container's /etc. */

/** `/etc/hostname`. */
export function hostnameFile(hostname: string): string {
  return `${hostname}\n`;
}

const LOCAL_HOSTS = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

export interface HostsOptions {
  /** Own address; empty: the container has none. */
  readonly address: string;
  readonly hostname: string;
  readonly domainname: string;
  /** `NAME:ADDRESS` or `NAME=ADDRESS`; the address `host-gateway` stands for `gateway`. */
  readonly extraHosts: readonly string[];
  readonly gateway: string;
  /** Linked containers. */
  readonly linked: readonly HostEntry[];
}

export interface HostEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** `/etc/hosts`: the usual local names, the user's, those of linked containers, and the container's own. */
export function hostsFile({ address, hostname, domainname, extraHosts, gateway, linked }: HostsOptions): string {
  const names = domainname ? [`${hostname}.${domainname}`, hostname] : [hostname];
  const own = address && hostname ? [{ address, names }] : [];
  const local = LOCAL_HOSTS.map((line) => `${line}\n`).join("");
  return local + extraHostLines(extraHosts, gateway) + [...linked, ...own].map(hostLine).join("");
}

/** The user's lines of /etc/hosts. */
export function extraHostLines(extraHosts: readonly string[], gateway: string): string {
  const entries = extraHosts.map((entry) => {
    const [, name = entry, target = ""] = /^([^:=]+)[:=](.+)$/s.exec(entry) ?? [];
    const plain = target.replace(/^\[(.*)\]$/, "$1");
    return { address: plain === "host-gateway" ? gateway : plain, names: [name] };
  });
  return entries.map(hostLine).join("");
}

function hostLine({ address, names }: HostEntry): string {
  return `${address}\t${names.join(" ")}\n`;
}

export interface ResolvConfOptions {
  /** The host's own file. */
  readonly host: string;
  /** The user's wishes; each that is not empty replaces the host's. A search of `.` is none. */
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** Whether the container's loopback is the host's, so that nameservers on it can be reached. */
  readonly hostNetwork: boolean;
  /** Whether the container can reach IPv6 addresses. */
  readonly ipv6: boolean;
}

/** Docker's choice for hosts that have no nameserver a container can reach. */
const FALLBACK = { v4: ["8.8.8.8", "8.8.4.4"], v6: ["2001:4860:4860::8888", "2001:4860:4860::8844"] };

/** `/etc/resolv.conf`: the host's, with the user's wishes, without what cannot be reached from a network namespace of its own. */
export function resolvConfFile(options: ResolvConfOptions): string {
  const host = parseResolvConf(options.host);
  const search = chosen(options.dnsSearch, host.search).filter((domain) => domain !== ".");
  const settings = chosen(options.dnsOptions, host.options);
  const lines = [
    ...nameservers(options, host.nameservers).map((address) => `nameserver ${address}`),
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...(settings.length > 0 ? [`options ${settings.join(" ")}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function chosen(own: readonly string[], inherited: readonly string[]): readonly string[] {
  return own.length > 0 ? own : inherited;
}

function nameservers(options: ResolvConfOptions, inherited: readonly string[]): readonly string[] {
  if (options.dns.length > 0) return options.dns;
  if (options.hostNetwork) return inherited;
  const reachable = inherited.filter((address) => !isLocal(address) && (options.ipv6 || !address.includes(":")));
  if (reachable.length > 0) return reachable;
  return options.ipv6 ? [...FALLBACK.v4, ...FALLBACK.v6] : FALLBACK.v4;
}

/** Loopback, and IPv6 addresses of a link that the container is not on. */
function isLocal(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.includes("%") || /^fe80:/i.test(address);
}

interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** resolv.conf(5): the last `search` counts, `options` add up, comments begin with `#` or `;`. */
function parseResolvConf(text: string): ResolvConf {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const valuesOf = (keyword: string) => lines.filter(([word]) => word === keyword).map(([, ...values]) => values);
  return {
    nameservers: valuesOf("nameserver").flatMap(([address]) => address ?? []),
    search: lines.findLast(([word]) => word === "search" || word === "domain")?.slice(1) ?? [],
    options: valuesOf("options").flat(),
  };
}
