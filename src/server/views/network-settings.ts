import type { EndpointSettings, NetworkSettings, Port, PortMap } from "#api/engine";
import type { Container } from "#core/containers";
import type { Endpoint } from "#core/networks";
import type { Wire } from "./wire.ts";

/** The ID of a network by name; empty when there is none. */
export type NetworkIDs = (name: string) => string;

export function networkSettings(container: Container, networkIDs: NetworkIDs): Wire<NetworkSettings> {
  const { endpoint } = container;
  const pid = "pid" in container.state ? container.state.pid : 0;
  return {
    Bridge: "",
    // The namespace is the container's own and lives as long as its process.
    SandboxID: pid === 0 ? "" : container.id,
    SandboxKey: pid === 0 ? "" : `/proc/${pid}/ns/net`,
    Ports: portMap(container),
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: endpoint?.endpointID ?? "",
    Gateway: endpoint?.gateway ?? "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: endpoint?.address ?? "",
    IPPrefixLen: endpoint?.prefixLength ?? 0,
    IPv6Gateway: "",
    MacAddress: endpoint?.macAddress ?? container.networking.EndpointsConfig?.bridge?.MacAddress ?? "",
    Networks: networksOf(container, networkIDs),
  };
}

/** The networks a container is or would be connected to. */
export function networksOf(container: Container, networkIDs: NetworkIDs): Record<string, Wire<EndpointSettings>> {
  const mode = container.hostConfig.NetworkMode || "bridge";
  if (mode.startsWith("container:") || container.config.NetworkDisabled) return {};
  const asked = Object.keys(container.networking.EndpointsConfig ?? {});
  const names = asked.length > 0 ? asked : [mode === "default" ? "bridge" : mode];
  // Before its first run a container has not met its network.
  const met = container.state.status !== "created";
  return Object.fromEntries(
    names.map((name) => [name, endpointSettings(container, name, met ? networkIDs(name) : "")]),
  );
}

/** Rows of the `PORTS` column: what is published, and what is exposed only. */
export function portRows(container: Container): Port[] {
  if (!container.endpoint) return [];
  const rows: Port[] = container.endpoint.ports.map((port) => ({
    IP: port.hostAddress,
    PrivatePort: port.containerPort,
    PublicPort: port.hostPort,
    Type: port.protocol,
  }));
  for (const key of unpublished(container, container.endpoint)) {
    const [number, protocol] = key.split("/");
    rows.push({ PrivatePort: Number(number), Type: (protocol ?? "tcp") as Port["Type"] });
  }
  return rows;
}

function portMap(container: Container): PortMap {
  const map: PortMap = {};
  if (!container.endpoint) return map;
  for (const key of unpublished(container, container.endpoint)) map[key] = null;
  for (const port of container.endpoint.ports) {
    const key = `${port.containerPort}/${port.protocol}`;
    map[key] = [...(map[key] ?? []), { HostIp: port.hostAddress, HostPort: String(port.hostPort) }];
  }
  return map;
}

function unpublished(container: Container, endpoint: Endpoint): string[] {
  const published = new Set(endpoint.ports.map((port) => `${port.containerPort}/${port.protocol}`));
  return Object.keys(container.config.ExposedPorts ?? {}).filter((key) => !published.has(key));
}

function endpointSettings(container: Container, name: string, networkID: string): Wire<EndpointSettings> {
  const asked = container.networking.EndpointsConfig?.[name];
  const { endpoint } = container;
  return {
    IPAMConfig: asked?.IPAMConfig ?? null,
    Links: asked?.Links ?? null,
    Aliases: asked?.Aliases ?? null,
    MacAddress: endpoint?.macAddress ?? asked?.MacAddress ?? "",
    DriverOpts: asked?.DriverOpts ?? null,
    GwPriority: asked?.GwPriority ?? 0,
    NetworkID: networkID,
    EndpointID: endpoint?.endpointID ?? "",
    Gateway: endpoint?.gateway ?? "",
    IPAddress: endpoint?.address ?? "",
    IPPrefixLen: endpoint?.prefixLength ?? 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}
