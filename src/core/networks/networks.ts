import type { Executor } from "#executor";
import type { Database } from "#lib/db";
import { EngineError, messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";
import { lowestFree } from "./address-pool.ts";
import { type Bridge, type BridgeRequest, removeBridge, repairPorts, setUpBridge } from "./bridge.ts";
import { endpointAftermath, endpointPlan, hostInterfaceName, loopbackPlan } from "./endpoint-plan.ts";
import { ambiguousNetwork, cannotPublish, noSuchNetwork, poolUsedUp } from "./errors.ts";
import { publicationsOf, rebuildTable, removeTable } from "./firewall.ts";
import { formatMacAddress, macAddressOf, parseMacAddress } from "./mac-address.ts";
import type { AttachRequest, Endpoint, EndpointPlan, NetworkInfo, Networks, PortBound } from "./network.ts";
import { warnOfOtherFirewalls } from "./other-firewalls.ts";
import { PublishedPorts } from "./published-ports.ts";
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

/** The networks with what only the daemon does to them. Disposing gives up the host's sockets; bridge and containers go on. */
export interface OwnedNetworks extends Networks, AsyncDisposable {
  /** Removes the nft table, and the bridge if tug made it. Containers lose their network; nothing is left on the host. */
  teardown(): Promise<void>;
}

const DEFAULT_BRIDGE = "tug0";
const DEFAULT_TABLE = "tug";
const NO_BRIDGE = "none";
const DEFAULT_MTU = 1500;
const PREDEFINED = { bridge: "bridge", host: "host", none: "null" } as const;

/** The networks of one engine: the default bridge, `host` and `none`. The host is not touched before `reconcile`. */
export function createNetworks(options: NetworksOptions): OwnedNetworks {
  return new DefaultNetworks(options);
}

class DefaultNetworks implements OwnedNetworks {
  readonly #options: NetworksOptions;
  readonly #store: NetworkStore;
  readonly #endpoints: Map<string, Endpoint>;
  readonly #ports = new PublishedPorts();
  /** Addresses of endpoints whose ports are still being taken. */
  readonly #claimed = new Set<number>();
  readonly #bridgeName: string;
  readonly #table: string;
  #bridge: Bridge | undefined;

  constructor(options: NetworksOptions) {
    this.#options = options;
    this.#bridgeName = options.config.bridge || DEFAULT_BRIDGE;
    this.#table = this.#bridgeName === DEFAULT_BRIDGE ? DEFAULT_TABLE : `${DEFAULT_TABLE}-${this.#bridgeName}`;
    this.#store = new NetworkStore(options.database);
    this.#addPredefined();
    this.#endpoints = this.#store.endpoints();
  }

  async reconcile(running: ReadonlySet<string>): Promise<void> {
    for (const containerID of [...this.#endpoints.keys()]) {
      if (!running.has(containerID)) await this.release(containerID);
    }
    if (this.#bridgeName === NO_BRIDGE) return;
    const { executor, log } = this.#options;
    const bridge = await setUpBridge(executor, this.#bridgeRequest(), log);
    this.#bridge = bridge;
    this.#store.setAddress(this.#record("bridge").id, bridge.address);
    const endpoints = [...this.#endpoints.values()];
    await repairPorts(executor, bridge, new Set(endpoints.map(({ hostInterface }) => hostInterface)));
    const { subnet } = parseInterfaceAddress(bridge.address);
    const published = endpoints.flatMap(publicationsOf);
    await executor.run([rebuildTable(this.#table, { name: bridge.name, subnet }, published)]);
    await warnOfOtherFirewalls(executor, bridge.name, log);
    await this.#resumePorts();
  }

  async attach(request: AttachRequest): Promise<{ endpoint: Endpoint; plan: EndpointPlan }> {
    const { containerID } = request;
    if (!this.#bridge) throw noSuchNetwork("bridge");
    // Nobody told of the end of an earlier run: whatever it left would be in the way.
    await this.release(containerID, { monitorLost: true });
    const reserved = this.#newEndpoint(this.#bridge, request);
    const address = parseAddress(reserved.address);
    this.#claimed.add(address);
    try {
      const endpoint = { ...reserved, ports: await this.#publish(reserved, request) };
      this.#store.addEndpoint(containerID, endpoint);
      this.#endpoints.set(containerID, endpoint);
      return {
        endpoint,
        plan: endpointPlan(endpoint, { ...this.#bridge, table: this.#table, interface: request.interface }),
      };
    } catch (error) {
      await this.#ports.release(containerID);
      throw error;
    } finally {
      this.#claimed.delete(address);
    }
  }

  async release(containerID: string, { monitorLost } = { monitorLost: false }): Promise<void> {
    const endpoint = this.#endpoints.get(containerID);
    if (!endpoint) return;
    if (monitorLost) await this.#options.executor.run(endpointAftermath(endpoint, this.#table));
    this.#store.removeEndpoint(containerID);
    this.#endpoints.delete(containerID);
    await this.#ports.release(containerID);
  }

  endpointOf(containerID: string): Endpoint | undefined {
    return this.#endpoints.get(containerID);
  }

  loopbackPlan(): EndpointPlan {
    return loopbackPlan();
  }

  list(): NetworkInfo[] {
    return this.#store
      .networks()
      .filter(({ driver }) => driver !== "bridge" || this.#bridgeName !== NO_BRIDGE)
      .map((record) => this.#describe(record));
  }

  get(reference: string): NetworkInfo {
    const networks = this.list();
    const exact = networks.find(({ id }) => id === reference) ?? networks.find(({ name }) => name === reference);
    if (exact) return exact;
    const matches = reference === "" ? [] : networks.filter(({ id }) => id.startsWith(reference));
    if (matches.length > 1) throw ambiguousNetwork(reference, matches.length);
    const [match] = matches;
    if (!match) throw noSuchNetwork(reference);
    return match;
  }

  endpoints(networkID: string): ReadonlyMap<string, Endpoint> {
    return new Map([...this.#endpoints].filter(([, endpoint]) => endpoint.networkID === networkID));
  }

  async teardown(): Promise<void> {
    if (this.#bridgeName === NO_BRIDGE) return;
    await this.#options.executor.run([removeTable(this.#table)]);
    await removeBridge(this.#options.executor, this.#bridgeName);
    this.#bridge = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ports.close();
  }

  #newEndpoint(bridge: Bridge, { macAddress }: AttachRequest): Endpoint {
    const { randomId } = this.#options;
    const { id, name } = this.#record("bridge");
    const { address: gateway, subnet } = parseInterfaceAddress(bridge.address);
    const used = [...this.#endpoints.values()].map((endpoint) => parseAddress(endpoint.address));
    const address = lowestFree(subnet, new Set([gateway, ...used, ...this.#claimed]));
    if (address === undefined) throw poolUsedUp({ id, name });
    return {
      networkName: name,
      networkID: id,
      endpointID: randomId(),
      macAddress: formatMacAddress(macAddress === "" ? macAddressOf(address) : parseMacAddress(macAddress)),
      address: formatAddress(address),
      prefixLength: subnet.prefixLength,
      gateway: formatAddress(gateway),
      ports: [],
      hostInterface: hostInterfaceName(randomId()),
    };
  }

  async #publish(endpoint: Endpoint, { containerID, containerName, ports }: AttachRequest): Promise<PortBound[]> {
    if (ports.length === 0) return [];
    try {
      return await this.#ports.publish(containerID, ports, endpoint.address);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw cannotPublish({ containerName, endpointID: endpoint.endpointID }, error);
    }
  }

  /** Containers that run keep their gateway: another --bip waits until there are none. */
  #bridgeRequest(): BridgeRequest {
    const { config, log } = this.#options;
    const { address: remembered } = this.#record("bridge");
    const kept = this.#endpoints.size > 0 && remembered !== "";
    if (kept && config.bip !== "" && config.bip !== remembered) {
      log.warn("the bridge keeps its address while containers run", { bridge: this.#bridgeName, address: remembered });
    }
    return { name: this.#bridgeName, mtu: config.mtu, asked: kept ? remembered : config.bip, remembered };
  }

  /** A port that somebody took while the daemon was away goes on to work over IPv4, where the firewall comes first. */
  async #resumePorts(): Promise<void> {
    for (const [containerID, { ports, address }] of this.#endpoints) {
      if (ports.length === 0) continue;
      await this.#ports.release(containerID);
      await this.#ports.resume(containerID, ports, address).catch((error) => {
        this.#options.log.warn("cannot hold a published port", { container: containerID, error: messageOf(error) });
      });
    }
  }

  #addPredefined(): void {
    const { now, randomId } = this.#options;
    for (const [name, driver] of Object.entries(PREDEFINED)) {
      this.#store.addNetwork({ id: randomId(), name, driver, createdAt: now().toISOString(), address: "" });
    }
  }

  #record(name: keyof typeof PREDEFINED): NetworkRecord {
    const record = this.#store.networks().find((candidate) => candidate.name === name);
    if (!record) throw noSuchNetwork(name);
    return record;
  }

  #describe({ id, name, driver, createdAt, address }: NetworkRecord): NetworkInfo {
    const gateway = address === "" ? undefined : parseInterfaceAddress(address);
    const mtu = this.#options.config.mtu || DEFAULT_MTU;
    return {
      id,
      name,
      driver,
      createdAt,
      subnet: gateway ? formatSubnet(gateway.subnet) : "",
      gateway: gateway ? formatAddress(gateway.address) : "",
      options: driver === "bridge" ? bridgeOptions(this.#bridgeName, mtu) : {},
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
