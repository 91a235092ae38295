import type { AfterOp, BesideOp, ChildOp } from "#executor";

/** A published port as the user asked for it. */
export interface PortRequest {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly containerPort: number;
  /** Empty: every address. */
  readonly hostAddress: string;
  /** First and last; both 0: any free one from the ephemeral range. */
  readonly hostPortFirst: number;
  readonly hostPortLast: number;
}

/** A published port as it was bound; one entry per host address (IPv4 and IPv6 apart). */
export interface PortBound {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly containerPort: number;
  readonly hostAddress: string;
  readonly hostPort: number;
}

/** One container's place on one network. It lives from start to end of one run. */
export interface Endpoint {
  readonly networkName: string;
  readonly networkID: string;
  readonly endpointID: string;
  readonly macAddress: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly ports: readonly PortBound[];
  /** The host's end of the veth pair. */
  readonly hostInterface: string;
}

/** What has to happen for an endpoint, as parts of the container's process plan. */
export interface EndpointPlan {
  /** Makes the veth pair, its far end in the child's namespace; joins the bridge; publishes ports. */
  readonly beside: readonly BesideOp[];
  /** In the container: loopback up, eth0 named, addressed, routed. */
  readonly inside: readonly ChildOp[];
  /** Unpublishes; removes what the kernel does not by itself. Idempotent. */
  readonly after: readonly AfterOp[];
}

/**
 * The networks of this engine. In this version: the default bridge; `host`, `none` and `container:` need no endpoint
 * but for the loopback of `none` (`loopbackPlan`).
 */
export interface Networks {
  /** Makes or repairs the bridge, the nft table and the sysctls, and releases endpoints whose container is not in `running`. Called at start. */
  reconcile(running: ReadonlySet<string>): Promise<void>;
  /**
   * Reserves an address and host ports, durably.
   * @throws `conflict`/`internal` as Docker: `driver failed programming external connectivity on endpoint NAME (ID): Bind for 0.0.0.0:80 failed: port is already allocated`; `unavailable` when the pool is used up
   */
  attach(request: AttachRequest): Promise<{ endpoint: Endpoint; plan: EndpointPlan }>;
  /**
   * Gives address and ports back after the container ended. Absence is fine. With `monitorLost` it also does what the
   * monitor has not: everything in the plan's `after`.
   */
  release(containerID: string, options?: { readonly monitorLost: boolean }): Promise<void>;
  /** The plan for a namespace with nothing but loopback. */
  loopbackPlan(): EndpointPlan;
  /** For GET /networks and friends: bridge, host, none. */
  list(): NetworkInfo[];
  /** By full ID, name or unique ID prefix. @throws `not-found` "network X not found" */
  get(reference: string): NetworkInfo;
  /** What a container has on its network, from `attach` to `release`. */
  endpointOf(containerID: string): Endpoint | undefined;
  /** Endpoints that are in use on a network, by container ID. */
  endpoints(networkID: string): ReadonlyMap<string, Endpoint>;
}

export interface AttachRequest {
  readonly containerID: string;
  readonly containerName: string;
  readonly ports: readonly PortRequest[];
  /** Asked-for MAC address; empty: derived from the address. */
  readonly macAddress: string;
  readonly interface: InterfaceSettings;
}

/** The container's end of an endpoint. */
export interface InterfaceSettings {
  /** Empty: `eth0`. */
  readonly name: string;
  /** Dotted, `IFNAME` in the place of the interface's name: `net.ipv4.conf.IFNAME.log_martians`. */
  readonly sysctls: readonly { readonly key: string; readonly value: string }[];
}

export interface NetworkInfo {
  readonly id: string;
  readonly name: string;
  readonly driver: "bridge" | "host" | "null";
  readonly createdAt: string;
  readonly subnet: string;
  readonly gateway: string;
  readonly options: Readonly<Record<string, string>>;
}
