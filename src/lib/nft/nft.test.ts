/**
 * What the real `nft` (1.0.6) sent for the command that each test is named after; golden/nft.json holds what strace
 * saw (`strace -e trace=sendmsg -e write=3 nft COMMAND`). Only what nft adds for itself is left out of the comparison.
 */
import { expect, test } from "bun:test";
import { decodeMessages, encodeMessages, listAttributes, type NetlinkMessage, u16be } from "#lib/netlink";
import golden from "./golden/nft.json";
import * as nft from "./mod.ts";

const NLM_F_ACK = 4;
const NLA_F_NESTED = 0x8000;
const NEWSET = 9;
const NEWSETELEM = 12;
const DELSETELEM = 14;
const TABLE = "tug";

function rule(chain: string, ...parts: (nft.Expression | nft.Expression[])[]): NetlinkMessage {
  return nft.addRule(TABLE, chain, parts.flat());
}

const key = ["ipv4_addr", "inet_proto", "inet_service"] as const;
const value = ["ipv4_addr", "inet_service"] as const;
const web = {
  key: Uint8Array.of(127, 0, 0, 1, 6, 0, 0, 0, ...u16be(8080), 0, 0),
  value: Uint8Array.of(172, 17, 0, 2, ...u16be(80), 0, 0),
};
const dns = {
  key: Uint8Array.of(17, 0, 0, 0, ...u16be(53), 0, 0),
  value: Uint8Array.of(172, 17, 0, 2, ...u16be(5353), 0, 0),
};

const cases: Record<keyof typeof golden, NetlinkMessage> = {
  "add rule inet tug pre dnat ip to ip daddr . meta l4proto . th dport map @at": rule(
    "pre",
    nft.isIPv4(),
    nft.addressProtocolPortIn("at"),
    nft.dnat(),
  ),
  "add rule inet tug pre meta nfproto ipv4 dnat ip to meta l4proto . th dport map @everywhere": rule(
    "pre",
    nft.isIPv4(),
    nft.protocolPortIn("everywhere"),
    nft.dnat(),
  ),
  "add rule inet tug c jump other": rule("c", nft.verdict("jump", "other")),
  "add rule inet tug c meta nfproto ipv4 goto other": rule("c", nft.isIPv4(), nft.verdict("goto", "other")),
  'add rule inet tug c iifname "tug0" counter drop': rule(
    "c",
    nft.interfaceIs("iifname", "tug0"),
    nft.counter(),
    nft.verdict("drop"),
  ),
  'add rule inet tug c oifname != "tug0" accept': rule(
    "c",
    nft.interfaceIsNot("oifname", "tug0"),
    nft.verdict("accept"),
  ),
  "add rule inet tug c ip saddr 10.128.0.0/9 return": rule(
    "c",
    nft.isIPv4(),
    nft.sourceIn(Uint8Array.of(10, 128, 0, 0), Uint8Array.of(255, 128, 0, 0)),
    nft.verdict("return"),
  ),
  "add rule inet tug c ip daddr 172.17.16.0/20 return": rule(
    "c",
    nft.isIPv4(),
    nft.destinationIn(Uint8Array.of(172, 17, 16, 0), Uint8Array.of(255, 255, 240, 0)),
    nft.verdict("return"),
  ),
  "add rule inet tug c meta nfproto ipv4 fib daddr type local return": rule(
    "c",
    nft.isIPv4(),
    nft.destinationIsLocal(),
    nft.verdict("return"),
  ),
  "add rule inet tug c ct state established,related accept": rule("c", nft.isEstablished(), nft.verdict("accept")),
  "add rule inet tug c ct status dnat accept": rule("c", nft.isDestinationTranslated(), nft.verdict("accept")),
  'add rule inet tug post oifname "tug0" masquerade': rule(
    "post",
    nft.interfaceIs("oifname", "tug0"),
    nft.masquerade(),
  ),
  "add chain inet tug raw-prerouting { type filter hook prerouting priority raw; policy accept; }": nft.addChain(
    TABLE,
    "raw-prerouting",
    { type: "filter", hook: "prerouting", priority: nft.PRIORITY.raw },
  ),
  "add chain inet tug nat-output { type nat hook output priority -100; policy accept; }": nft.addChain(
    TABLE,
    "nat-output",
    { type: "nat", hook: "output", priority: nft.PRIORITY.dstnat },
  ),
  "add chain inet tug nat-postrouting { type nat hook postrouting priority srcnat; policy accept; }": nft.addChain(
    TABLE,
    "nat-postrouting",
    { type: "nat", hook: "postrouting", priority: nft.PRIORITY.srcnat },
  ),
  "add chain inet tug publish": nft.addChain(TABLE, "publish"),
  "add table inet tug2": nft.addTable("tug2"),
  "delete table inet tug": nft.deleteTable(TABLE),
  "add map inet tug m { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }": nft.addMap(TABLE, {
    name: "m",
    key,
    value,
    id: 1,
  }),
  "add element inet tug at { 127.0.0.1 . tcp . 8080 : 172.17.0.2 . 80 }": nft.addElements(TABLE, "at", [web]),
  "add element inet tug everywhere { udp . 53 : 172.17.0.2 . 5353 }": nft.addElements(TABLE, "everywhere", [dns]),
  "delete element inet tug at { 127.0.0.1 . tcp . 8080 }": nft.deleteElements(TABLE, "at", [web]),
};

test.each(Object.entries(cases))("nft %s", (command, message) => {
  const { type, flags, payload } = golden[command as keyof typeof golden];
  const [decoded] = decodeMessages(encodeMessages([message]).messages);
  expect((decoded?.type ?? 0) & 0xff).toBe(type);
  expect((decoded?.flags ?? 0) & ~NLM_F_ACK).toBe(flags);
  expect(outline(type, decoded?.payload ?? new Uint8Array())).toBe(outline(type, Buffer.from(payload, "hex")));
});

/** Attributes as text, `1:HEX 4{1:HEX}`, without those that nft numbers its maps with and describes their fields to itself. */
function outline(type: number, payload: Uint8Array): string {
  const ofNftAlone: Record<number, number[]> = { [NEWSET]: [9, 13], [NEWSETELEM]: [4], [DELSETELEM]: [4] };
  const attributes = describeAttributes(payload.subarray(4), ofNftAlone[type] ?? []);
  return attributes.replace(/(1:6c6f6f6b757000 2\{[^}]*) 4:[0-9a-f]{8}\}/, "$1}");
}

function describeAttributes(bytes: Uint8Array, without: readonly number[] = []): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  return listAttributes(bytes)
    .flatMap(({ type, value }) => {
      const nested = (view.getUint16(offset + 2, true) & NLA_F_NESTED) !== 0;
      offset += (value.byteLength + 7) & ~3;
      if (without.includes(type)) return [];
      return nested ? `${type}{${describeAttributes(value)}}` : `${type}:${Buffer.from(value).toString("hex")}`;
    })
    .join(" ");
}

test("encodeBatch() puts a begin and an end around the messages and asks for the answers of those between", () => {
  const { messages } = nft.encodeBatch([nft.addTable(TABLE), nft.deleteTable(TABLE)]);
  const decoded = decodeMessages(messages);
  expect(decoded.map(({ type }) => type)).toEqual([16, 0x0a00, 0x0a02, 17]);
  expect(decoded.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  expect(decoded.map(({ flags }) => (flags & NLM_F_ACK) !== 0)).toEqual([false, true, true, false]);
  expect([...(decoded[0]?.payload ?? [])]).toEqual([0, 0, 0, 10]);
});
