/**
 * Expressions: the instructions that a rule is made of. Each loads something into a register, tests a register, or acts;
 * the first test that fails ends the rule (linux/netfilter/nf_tables.h, `nft --debug=netlink`).
 *
 * Registers are named as nft names them: 1 is the first 16 bytes, 9, 10 … are the 4-byte words that follow its first
 * word (8 would be that one). A concatenation `address . protocol . port` therefore lies in 1, 9 and 10.
 */
import { type Attribute, attribute, text, u32be } from "#lib/netlink";

export interface Expression {
  readonly name: string;
  readonly attributes: readonly Attribute[];
}

const FIRST_REGISTER = 1;
/** The words after the first register's first. */
export const WORD_REGISTERS = [9, 10] as const;

const META = { iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
const CT = { state: 0, status: 2 } as const;
const PAYLOAD_BASE = { network: 1, transport: 2 } as const;
const COMPARE = { equal: 0, unequal: 1 } as const;
const VERDICT = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;
const VERDICT_REGISTER = 0;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const FIB_RESULT_ADDRTYPE = 3;
const FIB_F_DADDR = 2;
const NAT_DNAT = 1;
const NFPROTO_IPV4 = 2;

/** Loads what is known about a packet: the name of its interfaces, its protocols. */
export function meta(key: keyof typeof META, register = FIRST_REGISTER): Expression {
  return expression("meta", [attribute(2, u32be(META[key])), attribute(1, u32be(register))]);
}

/** Loads bytes of the packet's header. */
export function payload(
  base: keyof typeof PAYLOAD_BASE,
  range: { offset: number; length: number },
  register = FIRST_REGISTER,
): Expression {
  return expression("payload", [
    attribute(1, u32be(register)),
    attribute(2, u32be(PAYLOAD_BASE[base])),
    attribute(3, u32be(range.offset)),
    attribute(4, u32be(range.length)),
  ]);
}

/** Loads what connection tracking knows. */
export function conntrack(key: keyof typeof CT): Expression {
  return expression("ct", [attribute(2, u32be(CT[key])), attribute(1, u32be(FIRST_REGISTER))]);
}

/** Loads the routing table's type (RTN_*) of the destination address. */
export function destinationType(): Expression {
  return expression("fib", [
    attribute(3, u32be(FIB_F_DADDR)),
    attribute(2, u32be(FIB_RESULT_ADDRTYPE)),
    attribute(1, u32be(FIRST_REGISTER)),
  ]);
}

/** Goes on if the first register equals (or not) some bytes. */
export function compare(operation: keyof typeof COMPARE, value: Uint8Array): Expression {
  return expression("cmp", [
    attribute(1, u32be(FIRST_REGISTER)),
    attribute(2, u32be(COMPARE[operation])),
    attribute(3, [attribute(NFTA_DATA_VALUE, value)]),
  ]);
}

/** Keeps only the bits of the first register that the mask has. */
export function maskBits(mask: Uint8Array): Expression {
  return expression("bitwise", [
    attribute(1, u32be(FIRST_REGISTER)),
    attribute(2, u32be(FIRST_REGISTER)),
    attribute(3, u32be(mask.byteLength)),
    attribute(4, [attribute(NFTA_DATA_VALUE, mask)]),
    attribute(5, [attribute(NFTA_DATA_VALUE, new Uint8Array(mask.byteLength))]),
  ]);
}

/** Looks the registers up in a map and goes on, with the value in the registers, if it is there. */
export function lookUp(map: string): Expression {
  return expression("lookup", [
    attribute(2, u32be(FIRST_REGISTER)),
    attribute(3, u32be(FIRST_REGISTER)),
    attribute(1, text(map)),
  ]);
}

/** Sends the packet to the IPv4 address in the first register, and to the port in the word after it. */
export function dnat(): Expression {
  return expression("nat", [
    attribute(1, u32be(NAT_DNAT)),
    attribute(2, u32be(NFPROTO_IPV4)),
    attribute(3, u32be(FIRST_REGISTER)),
    attribute(5, u32be(WORD_REGISTERS[0])),
  ]);
}

/** Gives the packet the address of the interface that it leaves by. */
export function masquerade(): Expression {
  return expression("masq", []);
}

/** Counts packets and bytes; `nft list` shows them. */
export function counter(): Expression {
  return expression("counter", []);
}

/** Ends the rule: with a verdict on the packet, or in another chain. */
export function verdict(kind: "accept" | "drop" | "return"): Expression;
export function verdict(kind: "jump" | "goto", chain: string): Expression;
export function verdict(kind: keyof typeof VERDICT, chain?: string): Expression {
  const code = [attribute(1, u32be(VERDICT[kind] >>> 0)), ...(chain ? [attribute(2, text(chain))] : [])];
  return expression("immediate", [
    attribute(1, u32be(VERDICT_REGISTER)),
    attribute(2, [attribute(NFTA_DATA_VERDICT, code)]),
  ]);
}

function expression(name: string, attributes: readonly Attribute[]): Expression {
  return { name, attributes };
}
