/** What the host's network looks like, asked over rtnetlink. */
import type { Executor, NetlinkOp } from "#executor";
import {
  decodeAddresses,
  decodeLinks,
  decodeMessages,
  decodeRoutes,
  dumpAddresses,
  dumpLinks,
  dumpRoutes,
  encodeMessages,
  type Link,
  type LinkAddress,
  NETLINK_ROUTE,
  type NetlinkMessage,
  type Route,
} from "#lib/netlink";

/** The part of the executor that networks need. */
export type Hands = Pick<Executor, "run">;

export interface Host {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
  readonly routes: readonly Route[];
}

export async function lookAtHost(executor: Hands): Promise<Host> {
  const [links, addresses, routes] = await executor.run([
    routeOp("list links", [dumpLinks()]),
    routeOp("list addresses", [dumpAddresses()]),
    routeOp("list routes", [dumpRoutes()]),
  ]);
  return {
    links: decodeLinks(decodeMessages(links ?? new Uint8Array())),
    addresses: decodeAddresses(decodeMessages(addresses ?? new Uint8Array())),
    routes: decodeRoutes(decodeMessages(routes ?? new Uint8Array())),
  };
}

/** rtnetlink messages as one op. `ignore`: errno values that count as success. */
export function routeOp(what: string, messages: readonly NetlinkMessage[], ignore: readonly number[] = []): NetlinkOp {
  return { op: "netlink", protocol: NETLINK_ROUTE, ...encodeMessages(messages), ignore, what };
}
