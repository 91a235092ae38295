import type { Network } from "#api/engine";
import type { Endpoint, NetworkInfo } from "#core/networks";
import type { Wire } from "./wire.ts";

/** A network; `containers` maps the names of those on it, and is left out of lists as in Docker. */
export function networkView(
  network: NetworkInfo,
  endpoints: ReadonlyMap<string, Endpoint> = new Map(),
  nameOf: (containerID: string) => string = () => "",
): Wire<Network> {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt,
    Scope: "local",
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: {
      Driver: "default",
      Options: null,
      Config: network.subnet === "" ? null : [{ Subnet: network.subnet, Gateway: network.gateway }],
    },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      [...endpoints].map(([id, endpoint]) => [
        id,
        {
          Name: nameOf(id),
          EndpointID: endpoint.endpointID,
          MacAddress: endpoint.macAddress,
          IPv4Address: `${endpoint.address}/${endpoint.prefixLength}`,
          IPv6Address: "",
        },
      ]),
    ),
    Options: { ...network.options },
    Labels: {},
  };
}
