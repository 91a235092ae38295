/**
 * What the kernel is told for one endpoint, compiled to the sections of a process plan. The veth pair is made in one
 * message: its far end is born with its name, eth0, in the child's namespace, with an index chosen here, so that nothing needs to be
 * looked up or renamed there.
 */
import type { BesideOp, ChildOp, NetlinkOp } from "#executor";
import {
  addAddress,
  addRoute,
  createVeth,
  encodeMessages,
  forgetConnectionsTo,
  NETLINK_NETFILTER,
  setLink,
} from "#lib/netlink";
import { publicationsOf, publish, unpublish } from "./firewall.ts";
import { routeOp } from "./host.ts";
import { parseMacAddress } from "./mac-address.ts";
import type { Endpoint, EndpointPlan, InterfaceSettings } from "./network.ts";
import { broadcastOf, parseAddress, subnetOf, toBytes } from "./subnet.ts";

const LOOPBACK_INDEX = 1;
/** Above what the kernel gives by itself to links that a namespace may be born with (tunl0, sit0 …). */
const ETH0_INDEX = 100;
const VETH_PREFIX = "veth";
const VETH_DIGITS = 7;
/** Far above what the kernel gives by itself; with 28 random bits it stays positive as an i32. */
const FIRST_HOST_INDEX = 0x10000000;
const ENOENT = 2;
const ENODEV = 19;
const EINVAL = 22;

/** The bridge and its firewall table, as endpoints need them. */
export interface BridgePort {
  readonly table: string;
  /** Interface index of the bridge. */
  readonly bridgeIndex: number;
  /** 0: the kernel's default, 1500. */
  readonly mtu: number;
  /** Whether the kernel has IPv6, which is then switched off on eth0. */
  readonly ipv6: boolean;
  readonly interface: InterfaceSettings;
}

export function endpointPlan(endpoint: Endpoint, port: BridgePort): EndpointPlan {
  const name = port.interface.name || "eth0";
  return {
    beside: [createPair(endpoint, name, port), ...publish(port.table, publicationsOf(endpoint))],
    inside: [
      ...(port.ipv6 ? [disableIPv6(name)] : []),
      ...port.interface.sysctls.map((sysctl) => interfaceSysctl(name, sysctl)),
      configureInside(endpoint, name),
    ],
    after: endpointAftermath(endpoint, port.table),
  };
}

/** The plan's `after`. Idempotent. */
export function endpointAftermath(endpoint: Endpoint, table: string): NetlinkOp[] {
  return [takeDown(endpoint.hostInterface), ...forget(endpoint), ...unpublish(table, publicationsOf(endpoint))];
}

/** For a namespace with nothing but loopback. */
export function loopbackPlan(): EndpointPlan {
  return {
    beside: [],
    inside: [routeOp("set up loopback", [setLink({ index: LOOPBACK_INDEX }, { up: true })])],
    after: [],
  };
}

/** A bridge without IPv6 addresses must not let a neighbour's router advertisement configure one (CVE-2020-13401). */
function disableIPv6(name: string): ChildOp {
  return { op: "sysctl", key: `net/ipv6/conf/${name}/disable_ipv6`, value: "1" };
}

function interfaceSysctl(name: string, { key, value }: InterfaceSettings["sysctls"][number]): ChildOp {
  const parts = key.split(".").map((part) => (part.toUpperCase() === "IFNAME" ? name : part));
  return { op: "sysctl", key: parts.join("/"), value };
}

function createPair(endpoint: Endpoint, childName: string, { bridgeIndex, mtu }: BridgePort): BesideOp {
  const name = endpoint.hostInterface;
  const size = mtu > 0 ? { mtu } : {};
  const host = { name, index: hostIndex(name), master: bridgeIndex, ...size };
  const child = { name: childName, index: ETH0_INDEX, macAddress: parseMacAddress(endpoint.macAddress), ...size };
  return routeOp(`create veth pair "${name}"`, [
    createVeth(host, child),
    // Two steps: a link that comes up before its mode is set has its IPv6 address already.
    setLink({ name }, { withoutIPv6Address: true }),
    // With bridged frames going through the firewall (br_netfilter) a container that asks for its own published port is
    // answered by way of the port it came from.
    setLink({ name }, endpoint.ports.length > 0 ? { up: true, hairpin: true } : { up: true }),
  ]);
}

function configureInside(endpoint: Endpoint, name: string): ChildOp {
  const address = parseAddress(endpoint.address);
  const { prefixLength } = endpoint;
  return routeOp(`configure ${name}`, [
    setLink({ index: LOOPBACK_INDEX }, { up: true }),
    addAddress({
      index: ETH0_INDEX,
      address: toBytes(address),
      prefixLength,
      broadcast: toBytes(broadcastOf(subnetOf(address, prefixLength))),
    }),
    setLink({ index: ETH0_INDEX }, { up: true }),
    addRoute({ gateway: toBytes(parseAddress(endpoint.gateway)), index: ETH0_INDEX }),
  ]);
}

/**
 * The pair goes with the container's namespace, but a process that joined that namespace keeps it: the link is taken
 * down, so that the address is free in truth. Deleting it here would wait for an RCU grace period, 15 ms.
 */
function takeDown(name: string): NetlinkOp {
  return routeOp(`take down "${name}"`, [setLink({ name }, { up: false })], [ENODEV]);
}

/**
 * A client that keeps sending over UDP would have its datagrams translated to this address for as long as it does, to
 * whoever has it next.
 */
function forget({ address, ports }: Endpoint): NetlinkOp[] {
  if (ports.length === 0) return [];
  const { messages, childPidAt } = encodeMessages([forgetConnectionsTo(toBytes(parseAddress(address)))]);
  const what = `forget connections to ${address}`;
  return [{ op: "netlink", protocol: NETLINK_NETFILTER, messages, childPidAt, ignore: [ENOENT, EINVAL], what }];
}

/** `veth` and the first 28 bits of a random id. */
export function hostInterfaceName(randomId: string): string {
  return VETH_PREFIX + randomId.slice(0, VETH_DIGITS);
}

/** The host end's interface index says the same as its name, so that one is unique when the other is. */
function hostIndex(name: string): number {
  return FIRST_HOST_INDEX + Number.parseInt(name.slice(VETH_PREFIX.length), 16);
}
