/** What the kernel tells of chains, ours and others'. */
import { type DecodedMessage, decodeAttributes, readText, readU32be } from "#lib/netlink";
import { HOOKS, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN } from "./messages.ts";

const FAMILIES: Readonly<Record<number, string>> = {
  1: "inet",
  2: "ip",
  3: "arp",
  5: "netdev",
  7: "bridge",
  10: "ip6",
};
/** The families whose hooks are numbered as ours are. */
const IP_FAMILIES = ["inet", "ip", "ip6"];
const FAMILY_HEADER_BYTES = 4;
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_POLICY = 5;
const NFTA_HOOK_HOOKNUM = 1;
const NF_DROP = 0;

export interface Chain {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** Where it sees packets by itself; `undefined` for chains that rules jump to. */
  readonly hook: keyof typeof HOOKS | undefined;
  /** What becomes of packets that no rule decides on. */
  readonly policy: "accept" | "drop";
}

/** The chains in the answer to `dumpChains`. */
export function decodeChains(messages: readonly DecodedMessage[]): Chain[] {
  return messages
    .filter(({ type }) => type === ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWCHAIN))
    .map(({ payload }) => {
      const attributes = decodeAttributes(payload.subarray(FAMILY_HEADER_BYTES));
      const family = FAMILIES[payload[0] ?? 0] ?? String(payload[0]);
      const policy = attributes.get(NFTA_CHAIN_POLICY);
      return {
        family,
        table: readText(attributes.get(NFTA_CHAIN_TABLE)),
        chain: readText(attributes.get(NFTA_CHAIN_NAME)),
        hook: IP_FAMILIES.includes(family) ? hookOf(attributes.get(NFTA_CHAIN_HOOK)) : undefined,
        policy: policy && readU32be(policy) === NF_DROP ? "drop" : "accept",
      };
    });
}

function hookOf(nested: Uint8Array | undefined): Chain["hook"] {
  const number = nested && decodeAttributes(nested).get(NFTA_HOOK_HOOKNUM);
  if (!number) return undefined;
  const names = Object.keys(HOOKS) as (keyof typeof HOOKS)[];
  return names.find((name) => HOOKS[name] === readU32be(number));
}
