import { readFile, writeFile } from "node:fs/promises";
import type { Endpoint } from "#core/networks";
import { hostnameFile, hostsFile, resolvConfFile } from "#core/runtime";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { joinedContainer } from "./join.ts";

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
    writeFile(
      files.hosts,
      onHost ? await hostsOfHost(hostConfig.ExtraHosts ?? []) : hosts(context, container, endpoint),
    ),
    writeFile(files.resolvConf, await resolvConf(context, container)),
  ]);
  return files;
}

function hosts(context: Context, { config, hostConfig }: Container, endpoint: Endpoint | undefined): string {
  return hostsFile({
    address: endpoint?.address ?? "",
    hostname: config.Hostname ?? "",
    domainname: config.Domainname ?? "",
    extraHosts: hostConfig.ExtraHosts ?? [],
    gateway: context.defaults.hostGatewayAddress || (endpoint?.gateway ?? ""),
  });
}

/** A container on the host's network sees the host's own names, and those the user adds. */
async function hostsOfHost(extraHosts: readonly string[]): Promise<string> {
  const own = await readFile("/etc/hosts", "utf8").catch(() => "127.0.0.1\tlocalhost\n");
  const added = extraHosts.map((entry) => {
    const [, name = entry, address = ""] = /^([^:=]+)[:=](.+)$/s.exec(entry) ?? [];
    return `${address === "host-gateway" ? "127.0.0.1" : address}\t${name}\n`;
  });
  return own + added.join("");
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
