/** Other tables decide too: what one drops, no accept of ours brings back. We leave them alone, and say so. */
import type { Logger } from "#lib/log";
import { decodeMessages, encodeMessages, NETLINK_NETFILTER } from "#lib/netlink";
import { decodeChains, dumpChains } from "#lib/nft";
import type { Hands } from "./host.ts";

/** Warns of firewalls (another container engine, firewalld, ufw) that drop what is forwarded unless they know of it. */
export async function warnOfOtherFirewalls(executor: Hands, bridge: string, log: Logger): Promise<void> {
  const [answer] = await executor.run([
    {
      op: "netlink",
      protocol: NETLINK_NETFILTER,
      ...encodeMessages([dumpChains()]),
      ignore: [],
      what: "list nft chains",
    },
  ]);
  const dropping = decodeChains(decodeMessages(answer ?? new Uint8Array())).filter(
    ({ hook, policy }) => hook === "forward" && policy === "drop",
  );
  for (const { family, table, chain } of dropping) {
    const message =
      "another firewall drops forwarded packets by default: unless it has rules for the bridge, containers cannot reach the network";
    log.warn(message, { bridge, chain: `${family} ${table} ${chain}` });
  }
}
