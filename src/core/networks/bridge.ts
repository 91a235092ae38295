/** The default bridge on the host: made when it is missing, repaired when it is ours, used as it is when it is not. */
import { EngineError, isKind } from "#lib/errors";
import type { Logger } from "#lib/log";
import { addAddress, createBridge, deleteAddress, deleteLink, type Link, setLink } from "#lib/netlink";
import { chooseSubnet } from "./address-pool.ts";
import { type Hands, type Host, lookAtHost, routeOp } from "./host.ts";
import { macAddressOf } from "./mac-address.ts";
import {
  broadcastOf,
  formatAddress,
  fromBytes,
  type InterfaceAddress,
  overlaps,
  parseInterfaceAddress,
  type Subnet,
  subnetOf,
  toBytes,
} from "./subnet.ts";

/** The alias of bridges that tug made; no other bridge is changed or removed. */
const OUR_ALIAS = "tug";
const VETH_NAME = /^veth[0-9a-f]{7}$/;
/** IFNAMSIZ without its NUL; the rest is what /proc/sys and `ip` can take. */
const LINK_NAME = /^(?!(all|default|lo)$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/;
const RT_TABLE_MAIN = 254;
const ENODEV = 19;
/** A sysctl file holds one number. */
const SYSCTL_LIMIT_BYTES = 64;

export interface BridgeRequest {
  readonly name: string;
  /** 0: the kernel's default. */
  readonly mtu: number;
  /** What the user asked for, `172.17.0.1/16`; may be empty. */
  readonly asked: string;
  /** What it had when it was last set up; may be empty. */
  readonly remembered: string;
}

export interface Bridge {
  readonly name: string;
  readonly bridgeIndex: number;
  /** The gateway on its subnet: `172.17.0.1/16`. */
  readonly address: string;
  readonly mtu: number;
  /** Whether the kernel has IPv6. */
  readonly ipv6: boolean;
}

/**
 * Brings the bridge up with its address and switches forwarding on. Idempotent.
 * @throws `invalid-parameter` for an impossible name or address; `failed-precondition` when the name belongs to a link
 * of another kind, when somebody else's bridge has no IPv4 address, or when every default pool is taken
 */
export async function setUpBridge(executor: Hands, request: BridgeRequest, log: Logger): Promise<Bridge> {
  const { name, mtu } = request;
  if (!LINK_NAME.test(name)) throw new EngineError("invalid-parameter", `invalid bridge name "${name}"`);
  let host = await lookAtHost(executor);
  if (!findLink(host, name)) {
    await makeBridge(executor, name);
    host = await lookAtHost(executor);
  }
  const link = findLink(host, name);
  if (link?.kind !== "bridge") throw precondition(`link "${name}" is not a bridge`);
  const ipv6 = (await readSysctl(executor, "net/ipv6/conf/all/disable_ipv6")) !== undefined;
  const ours = link.alias === OUR_ALIAS;
  const address = ours ? chooseAddress(request, host, link) : adoptAddress(host, link);
  if (ours) await configure(executor, { link, address, present: addressesOf(host, link), mtu, ipv6 });
  await allowForwarding(executor, name, log);
  return { name, bridgeIndex: link.index, address: formatInterfaceAddress(address), mtu, ipv6 };
}

/** Takes ports of the bridge away whose endpoint is gone, and puts those back that lost their bridge. */
export async function repairPorts(executor: Hands, bridge: Bridge, inUse: ReadonlySet<string>): Promise<void> {
  const { links } = await lookAtHost(executor);
  const stale = links.filter(
    ({ name, master }) => master === bridge.bridgeIndex && VETH_NAME.test(name) && !inUse.has(name),
  );
  const lost = links.filter(({ name, master }) => master !== bridge.bridgeIndex && inUse.has(name));
  const messages = [
    ...stale.map(({ name }) => deleteLink({ name })),
    ...lost.map(({ name }) => setLink({ name }, { master: bridge.bridgeIndex })),
  ];
  if (messages.length > 0) await executor.run([routeOp(`repair ports of bridge "${bridge.name}"`, messages, [ENODEV])]);
}

/** Removes a bridge that tug made. Absence is fine, and so is somebody else's, which stays. */
export async function removeBridge(executor: Hands, name: string): Promise<void> {
  const link = findLink(await lookAtHost(executor), name);
  if (link?.alias !== OUR_ALIAS) return;
  await executor.run([routeOp(`remove bridge "${name}"`, [deleteLink({ name })], [ENODEV])]);
}

/** The alias cannot be given at creation; both are sent at once, so that no other daemon sees one without the other. */
async function makeBridge(executor: Hands, name: string): Promise<void> {
  const messages = [createBridge(name), setLink({ name }, { alias: OUR_ALIAS })];
  await executor.run([routeOp(`create bridge "${name}"`, messages)]);
}

/** In this order: what the user asked, what the bridge has, what it had before, what is free. */
function chooseAddress({ asked, remembered }: BridgeRequest, host: Host, link: Link): InterfaceAddress {
  if (asked !== "") return parseGateway(asked);
  const [present] = addressesOf(host, link);
  if (present) return present;
  const taken = takenSubnets(host, link);
  const before = remembered === "" ? undefined : parseInterfaceAddress(remembered);
  if (before && !taken.some((subnet) => overlaps(subnet, before.subnet))) return before;
  const subnet = chooseSubnet(taken);
  if (!subnet) throw precondition("could not find an available, non-overlapping IPv4 address pool: use --bip");
  return { address: subnet.base + 1, subnet };
}

function adoptAddress(host: Host, link: Link): InterfaceAddress {
  const [present] = addressesOf(host, link);
  if (!present) throw precondition(`bridge "${link.name}" has no IPv4 address`);
  return present;
}

/** The gateway must be a host's address in a subnet with room for containers. */
function parseGateway(asked: string): InterfaceAddress {
  const parsed = parseInterfaceAddress(asked);
  const { address, subnet } = parsed;
  if (subnet.prefixLength > 30 || address === subnet.base || address === broadcastOf(subnet)) {
    throw new EngineError("invalid-parameter", `invalid bridge address "${asked}": no address of a host on a subnet`);
  }
  return parsed;
}

/** Every network that the host has an address on or a route to, by links other than this one. */
function takenSubnets(host: Host, link: Link): Subnet[] {
  const addresses = host.addresses.filter(({ index }) => index !== link.index);
  const routes = host.routes.filter(
    ({ index, table, prefixLength }) => index !== link.index && table === RT_TABLE_MAIN && prefixLength > 0,
  );
  return [
    ...addresses.map(({ address, prefixLength }) => subnetOf(fromBytes(address), prefixLength)),
    ...routes.map(({ destination, prefixLength }) => subnetOf(fromBytes(destination), prefixLength)),
  ];
}

interface BridgeSetup {
  readonly link: Link;
  readonly address: InterfaceAddress;
  readonly present: readonly InterfaceAddress[];
  readonly mtu: number;
  readonly ipv6: boolean;
}

async function configure(executor: Hands, { link, address, present, mtu, ipv6 }: BridgeSetup): Promise<void> {
  const { index, name } = link;
  const same = (other: InterfaceAddress) => formatInterfaceAddress(other) === formatInterfaceAddress(address);
  const messages = [
    ...present.filter((other) => !same(other)).map((other) => deleteAddress(onLink(index, other))),
    ...(present.some(same) ? [] : [addAddress(onLink(index, address))]),
    // With an address of its own choice a bridge would take over that of its lowest port, and change with it.
    setLink({ index }, { up: true, macAddress: macAddressOf(address.address), ...(mtu > 0 ? { mtu } : {}) }),
  ];
  const disableIPv6 = {
    op: "write",
    path: `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`,
    data: "1",
    mode: 0,
  } as const;
  await executor.run([...(ipv6 ? [disableIPv6] : []), routeOp(`configure bridge "${name}"`, messages)]);
}

/**
 * A host that published ports must route. `route_localnet` lets what the host's own processes send to 127.0.0.1 leave by
 * the bridge; the firewall keeps containers from using it the other way (CVE-2020-8558).
 */
async function allowForwarding(executor: Hands, name: string, log: Logger): Promise<void> {
  await executor.run([{ op: "write", path: `/proc/sys/net/ipv4/conf/${name}/route_localnet`, data: "1", mode: 0 }]);
  if ((await readSysctl(executor, "net/ipv4/ip_forward")) === "1") return;
  log.warn("switching on IPv4 forwarding, which containers need: this host now routes between its networks");
  await executor.run([{ op: "write", path: "/proc/sys/net/ipv4/ip_forward", data: "1", mode: 0 }]);
}

/** `undefined` when the kernel has no such file. */
async function readSysctl(executor: Hands, key: string): Promise<string | undefined> {
  try {
    const [value] = await executor.run([{ op: "read", path: `/proc/sys/${key}`, limitBytes: SYSCTL_LIMIT_BYTES }]);
    return new TextDecoder().decode(value).trim();
  } catch (error) {
    if (isKind(error, "not-found")) return undefined;
    throw error;
  }
}

function findLink(host: Host, name: string): Link | undefined {
  return host.links.find((link) => link.name === name);
}

function addressesOf(host: Host, link: Link): InterfaceAddress[] {
  return host.addresses
    .filter(({ index }) => index === link.index)
    .map(({ address, prefixLength }) => {
      const number = fromBytes(address);
      return { address: number, subnet: subnetOf(number, prefixLength) };
    });
}

function onLink(index: number, { address, subnet }: InterfaceAddress) {
  const broadcast = toBytes(broadcastOf(subnet));
  return { index, address: toBytes(address), prefixLength: subnet.prefixLength, broadcast };
}

function formatInterfaceAddress({ address, subnet }: InterfaceAddress): string {
  return `${formatAddress(address)}/${subnet.prefixLength}`;
}

function precondition(message: string): EngineError {
  return new EngineError("failed-precondition", message);
}
