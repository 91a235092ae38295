/** Which subnet the default bridge takes, and which address a container gets on it. */
import { broadcastOf, overlaps, parseInterfaceAddress, type Subnet } from "./subnet.ts";

/** Docker's default pools: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20. */
const DEFAULT_SUBNETS: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, index) => `172.${17 + index}.0.0/16`),
  ...Array.from({ length: 16 }, (_, index) => `192.168.${16 * index}.0/20`),
].map((cidr) => parseInterfaceAddress(cidr).subnet);

/** The first of Docker's default pools that meets none of the host's networks; `undefined` when all do. */
export function chooseSubnet(taken: readonly Subnet[]): Subnet | undefined {
  return DEFAULT_SUBNETS.find((candidate) => !taken.some((subnet) => overlaps(candidate, subnet)));
}

/**
 * The lowest free address, as Docker gives them out: not the subnet's own, not its broadcast address, not one in
 * `taken` (the gateway is there). `undefined` when the pool is used up.
 */
export function lowestFree(subnet: Subnet, taken: ReadonlySet<number>): number | undefined {
  const last = broadcastOf(subnet);
  for (let address = subnet.base + 1; address < last; address++) {
    if (!taken.has(address)) return address;
  }
  return undefined;
}
