import { readFile, writeFile } from "node:fs/promises";
import type { Endpoint } from "#core/networks";
import { extraHostLines, hostnameFile, hostsFile, resolvConfFile } from "#core/runtime";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { refused } from "./errors.ts";
import { joinedContainer } from "./join.ts";
import { connectedLinks, linkedHosts } from "./links.ts";

interface EtcFiles {
  readonly resolvConf: string;
  readonly hostname: string;
  readonly hosts: string;
}

/**
 * Writes the files that are bound into a container's /etc, anew at each start: its address changes, and so may the
 * host's nameservers. With `--network container:X` they are X's own.
 */
export async function makeFiles(
  context: Context,
  container: Container,
  endpoint: Endpoint | undefined,
): Promise<EtcFiles> {
  const { id, config, hostConfig } = container;
  const joined = joinedContainer(context, hostConfig.NetworkMode);
  if (joined) return context.layout.files(joined.id);
  const files = context.layout.files(id);
  const onHost = hostConfig.NetworkMode === "host";
  const hostname = config.Hostname || context.hostname();
  await Promise.all([
    writeFile(files.hostname, hostnameFile(hostname)),
    writeFile(files.hosts, onHost ? await hostsOfHost(context, container) : hosts(context, container, endpoint)),
    writeFile(files.resolvConf, await resolvConf(context, container)),
  ]);
  return files;
}

function hosts(context: Context, container: Container, endpoint: Endpoint | undefined): string {
  const { config, hostConfig } = container;
  return hostsFile({
    address: endpoint?.address ?? "",
    hostname: config.Hostname ?? "",
    domainname: config.Domainname ?? "",
    extraHosts: hostConfig.ExtraHosts ?? [],
    gateway: hostGateway(context, container),
    linked: linkedHosts(connectedLinks(context.store, container)),
  });
}

/** A container on the host's network sees the host's own names, and those the user adds. */
async function hostsOfHost(context: Context, container: Container): Promise<string> {
  const own = await readFile("/etc/hosts", "utf8").catch(() => "127.0.0.1\tlocalhost\n");
  return own + extraHostLines(container.hostConfig.ExtraHosts ?? [], hostGateway(context, container));
}

/** What `host-gateway` stands for: the address of the default bridge, on whatever network the container is. */
function hostGateway({ defaults, networks }: Context, { hostConfig }: Container): string {
  if (!hostConfig.ExtraHosts?.some((entry) => entry.endsWith("host-gateway"))) return "";
  if (defaults.hostGatewayAddress) return defaults.hostGatewayAddress;
  const bridge = networks.list().find(({ name }) => name === "bridge");
  if (!bridge) throw refused("unable to derive the IP value for host-gateway");
  return bridge.gateway;
}

async function resolvConf({ defaults }: Context, { hostConfig }: Container): Promise<string> {
  const chosen = (own: readonly string[] | undefined, general: readonly string[]) => (own?.length ? own : general);
  return resolvConfFile({
    host: await readFile("/etc/resolv.conf", "utf8").catch(() => ""),
    dns: chosen(hostConfig.Dns, defaults.dns),
    dnsSearch: chosen(hostConfig.DnsSearch, defaults.dnsSearch),
    dnsOptions: chosen(hostConfig.DnsOptions, defaults.dnsOptions),
    hostNetwork: hostConfig.NetworkMode === "host",
    ipv6: false,
  });
}
