import type { Executor } from "#executor";
import type { Database } from "#lib/db";
import type { Logger } from "#lib/log";
import { lowestFree } from "./address-pool.ts";
import { type Bridge, repairPorts, setUpBridge } from "./bridge.ts";
import { endpointPlan, loopbackPlan } from "./endpoint-plan.ts";
import { ambiguousNetwork, noSuchNetwork, poolUsedUp } from "./errors.ts";
import { formatMacAddress, macAddressOf, parseMacAddress } from "./mac-address.ts";
import type { AttachRequest, Endpoint, EndpointPlan, NetworkInfo, Networks } from "./network.ts";
import { type NetworkRecord, NetworkStore } from "./store.ts";
import { formatAddress, formatSubnet, parseAddress, parseInterfaceAddress } from "./subnet.ts";

export interface NetworksConfig {
  /** Name of the default bridge. Empty: `tug0`. `none`: there is no bridge network. A bridge somebody else made is used as it is. */
  readonly bridge: string;
  /** The bridge's address and with it the subnet, `172.17.0.1/16`. Empty: the first of Docker's default pools that is free. */
  readonly bip: string;
  /** 0: 1500. */
  readonly mtu: number;
}

export interface NetworksOptions {
  readonly database: Database;
  readonly executor: Pick<Executor, "run">;
  readonly config: NetworksConfig;
  readonly now: () => Date;
  readonly log: Logger;
  /** 64 random hex digits. */
  readonly randomId: () => string;
}

const DEFAULT_BRIDGE = "tug0";
const DEFAULT_MTU = 1500;
const VETH_NAME_DIGITS = 7;

/** The networks of one engine: the default bridge, `host` and `none`. Nothing is touched before `reconcile`. */
export function createNetworks(options: NetworksOptions): Networks {
  return new DefaultNetworks(options);
}

class DefaultNetworks implements Networks {
  readonly #options: NetworksOptions;
  readonly #store: NetworkStore;
  readonly #endpoints: Map<string, Endpoint>;
  readonly #bridgeName: string;
  #bridge: Bridge | undefined;

  constructor(options: NetworksOptions) {
    this.#options = options;
    this.#bridgeName = options.config.bridge || DEFAULT_BRIDGE;
    this.#store = new NetworkStore(options.database);
    this.#addPredefined();
    this.#endpoints = this.#store.endpoints();
  }

  async reconcile(running: ReadonlySet<string>): Promise<void> {
    for (const containerID of [...this.#endpoints.keys()]) {
      if (!running.has(containerID)) await this.release(containerID);
    }
    if (this.#bridgeName === "none") return;
    const { executor, config, log } = this.#options;
    const { id, address: remembered } = this.#record("bridge");
    const request = { name: this.#bridgeName, mtu: config.mtu, asked: config.bip, remembered };
    this.#bridge = await setUpBridge(executor, request, log);
    this.#store.setAddress(id, this.#bridge.address);
    const inUse = new Set([...this.#endpoints.values()].map((endpoint) => endpoint.hostInterface));
    await repairPorts(executor, this.#bridge, inUse);
  }

  async attach(request: AttachRequest): Promise<{ endpoint: Endpoint; plan: EndpointPlan }> {
    const bridge = this.#bridge;
    if (!bridge) throw noSuchNetwork("bridge");
    const endpoint = this.#newEndpoint(bridge, request);
    this.#store.addEndpoint(request.containerID, endpoint);
    this.#endpoints.set(request.containerID, endpoint);
    return { endpoint, plan: endpointPlan(endpoint, bridge) };
  }

  async release(containerID: string): Promise<void> {
    this.#store.removeEndpoint(containerID);
    this.#endpoints.delete(containerID);
  }

  loopbackPlan(): EndpointPlan {
    return loopbackPlan();
  }

  list(): NetworkInfo[] {
    return this.#store
      .networks()
      .filter((record) => this.#exists(record))
      .map((record) => this.#describe(record));
  }

  get(reference: string): NetworkInfo {
    const networks = this.list();
    const exact = networks.find(({ id }) => id === reference) ?? networks.find(({ name }) => name === reference);
    if (exact) return exact;
    const [found, second] = reference === "" ? [] : networks.filter(({ id }) => id.startsWith(reference));
    if (!found) throw noSuchNetwork(reference);
    if (second) throw ambiguousNetwork(reference);
    return found;
  }

  endpoints(networkID: string): ReadonlyMap<string, Endpoint> {
    return new Map([...this.#endpoints].filter(([, endpoint]) => endpoint.networkID === networkID));
  }

  #newEndpoint(bridge: Bridge, request: AttachRequest): Endpoint {
    const { address: gateway, subnet } = parseInterfaceAddress(bridge.address);
    const taken = new Set([...this.#endpoints.values()].map((endpoint) => parseAddress(endpoint.address)));
    const network = this.get("bridge");
    const address = lowestFree(subnet, taken.add(gateway));
    if (address === undefined) throw poolUsedUp(network);
    const { randomId } = this.#options;
    return {
      networkName: network.name,
      networkID: network.id,
      endpointID: randomId(),
      macAddress: formatMacAddress(request.macAddress ? parseMacAddress(request.macAddress) : macAddressOf(address)),
      address: formatAddress(address),
      prefixLength: subnet.prefixLength,
      gateway: formatAddress(gateway),
      ports: [],
      hostInterface: `veth${randomId().slice(0, VETH_NAME_DIGITS)}`,
    };
  }

  #addPredefined(): void {
    const { now, randomId } = this.#options;
    const drivers = { bridge: "bridge", host: "host", none: "null" } as const;
    for (const [name, driver] of Object.entries(drivers)) {
      this.#store.addNetwork({ id: randomId(), name, driver, createdAt: now().toISOString(), address: "" });
    }
  }

  #exists(record: NetworkRecord): boolean {
    return record.driver !== "bridge" || this.#bridgeName !== "none";
  }

  #record(name: string): NetworkRecord {
    const record = this.#store.networks().find((candidate) => candidate.name === name);
    if (!record) throw noSuchNetwork(name);
    return record;
  }

  #describe({ id, name, driver, createdAt, address }: NetworkRecord): NetworkInfo {
    const { config } = this.#options;
    const { subnet, address: gateway } =
      address === "" ? { subnet: undefined, address: 0 } : parseInterfaceAddress(address);
    return {
      id,
      name,
      driver,
      createdAt,
      subnet: subnet ? formatSubnet(subnet) : "",
      gateway: subnet ? formatAddress(gateway) : "",
      options: driver === "bridge" ? bridgeOptions(this.#bridgeName, config.mtu || DEFAULT_MTU) : {},
    };
  }
}

/** What `docker network inspect bridge` shows and tools look for. */
function bridgeOptions(name: string, mtu: number): Record<string, string> {
  return {
    "com.docker.network.bridge.default_bridge": "true",
    "com.docker.network.bridge.enable_icc": "true",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
    "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
    "com.docker.network.bridge.name": name,
    "com.docker.network.driver.mtu": String(mtu),
  };
}
