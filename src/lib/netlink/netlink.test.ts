import { describe, expect, test } from "bun:test";
import { EngineError } from "#lib/errors";
import {
  addAddress,
  addRoute,
  attribute,
  CHILD_PID,
  createBridge,
  createVeth,
  decodeAcknowledgements,
  decodeAddresses,
  decodeLinks,
  decodeMessages,
  decodeRoutes,
  deleteLink,
  encodeMessages,
  forgetConnectionsTo,
  isDone,
  type NetlinkMessage,
  setLink,
  text,
  u16be,
  u32,
} from "./mod.ts";

function hex(...messages: NetlinkMessage[]): string {
  return Buffer.from(encodeMessages(messages).messages).toString("hex");
}

function bytes(...parts: string[]): Uint8Array {
  return new Uint8Array(Buffer.from(parts.join("").replaceAll(" ", ""), "hex"));
}

describe("encodeMessages()", () => {
  test("writes the header, pads attributes and numbers the messages from 1", () => {
    const message = { type: 0x10, flags: 4, header: Uint8Array.of(0xaa), attributes: [attribute(3, text("lo"))] };
    const one = "1c000000 1000 0500 01000000 00000000 aa000000 0700 0300 6c6f0000".replaceAll(" ", "");
    expect(hex(message)).toBe(one);
    expect(hex(message, message)).toBe(one + one.replace("01000000", "02000000"));
  });

  test("nests attributes and keeps a header between them", () => {
    const inner = [Uint8Array.of(1, 2, 3, 4), attribute(5, u16be(6))];
    const message = { type: 1, flags: 0, header: new Uint8Array(), attributes: [attribute(7, inner)] };
    expect(hex(message).slice(32)).toBe("1000 0780 01020304 0600 0500 00060000".replaceAll(" ", ""));
  });

  test("tells where the child's pid goes, in every message", () => {
    const message = { type: 1, flags: 0, header: new Uint8Array(), attributes: [attribute(19, CHILD_PID)] };
    const { messages, childPidAt } = encodeMessages([message, message]);
    expect(childPidAt).toEqual([20, 44]);
    expect([...messages.subarray(16, 24)]).toEqual([8, 0, 19, 0, 0, 0, 0, 0]);
  });

  test("refuses an attribute that its length field cannot hold", () => {
    const message = { type: 1, flags: 0, header: new Uint8Array(), attributes: [attribute(1, new Uint8Array(65532))] };
    expect(() => encodeMessages([message])).toThrow(RangeError);
  });
});

describe("messages as iproute2 sends them", () => {
  test("createBridge() is `ip link add tug0 type bridge`", () => {
    expect(hex(createBridge("tug0")).slice(32)).toBe(
      "00000000 00000000 00000000 00000000 0900 0300 74756730 00000000 1000 1280 0b00 0100 62726964 67650000".replaceAll(
        " ",
        "",
      ),
    );
  });

  test("createVeth() is born with its master, and its peer with its index in the child's namespace", () => {
    const { messages, childPidAt } = encodeMessages([
      createVeth({ name: "v", index: 900, master: 7 }, { name: "eth0", index: 100, mtu: 1400 }),
    ]);
    const expected = [
      "00000000 84030000 00000000 00000000", // ifinfomsg, index 900
      "0600 0300 76000000", // IFLA_IFNAME "v"
      "0800 0a00 07000000", // IFLA_MASTER 7
      "4400 1280", // IFLA_LINKINFO
      "0900 0100 76657468 00000000", // IFLA_INFO_KIND "veth"
      "3400 0280", // IFLA_INFO_DATA
      "3000 0180", // VETH_INFO_PEER
      "00000000 64000000 00000000 00000000", // ifinfomsg, index 100
      "0900 0300 65746830 00000000", // IFLA_IFNAME "eth0"
      "0800 0400 78050000", // IFLA_MTU 1400
      "0800 1300 00000000", // IFLA_NET_NS_PID
    ];
    expect(Buffer.from(messages.subarray(16))).toEqual(Buffer.from(bytes(...expected)));
    expect(childPidAt).toEqual([messages.byteLength - 4]);
  });

  test("setLink() sets only what it was given", () => {
    expect(hex(setLink({ index: 1 }, { up: true })).slice(32)).toBe("00000000010000000100000001000000");
    expect(hex(setLink({ index: 1 }, { up: false })).slice(32)).toBe("00000000010000000000000001000000");
    expect(hex(setLink({ name: "v" }, { hairpin: true })).slice(64)).toBe(
      "0600 0300 76000000 1c00 1280 0b00 0400 62726964 67650000 0c00 0580 0500 0400 01000000".replaceAll(" ", ""),
    );
    expect(hex(setLink({ index: 1 }, { withoutIPv6Address: true })).slice(64)).toBe(
      "1000 1a80 0c00 0a80 0500 0800 01000000".replaceAll(" ", ""),
    );
  });

  test("deleteLink() names the link", () => {
    expect(hex(deleteLink({ name: "v" }))).toBe(
      "28000000 1100 0500 01000000 00000000 00000000 00000000 00000000 00000000 0600 0300 76000000".replaceAll(" ", ""),
    );
  });

  test("addAddress() is `ip addr add 172.17.0.2/16 broadcast 172.17.255.255`", () => {
    const address = Uint8Array.of(172, 17, 0, 2);
    const message = addAddress({ index: 100, address, prefixLength: 16, broadcast: Uint8Array.of(172, 17, 255, 255) });
    expect(hex(message).slice(32)).toBe(
      "02100000 64000000 0800 0200 ac110002 0800 0100 ac110002 0800 0400 ac11ffff".replaceAll(" ", ""),
    );
  });

  test("addRoute() without a destination is `ip route add default via 172.17.0.1`", () => {
    expect(hex(addRoute({ gateway: Uint8Array.of(172, 17, 0, 1), index: 100 })).slice(32)).toBe(
      "02000000 fe030001 00000000 0800 0500 ac110001 0800 0400 64000000".replaceAll(" ", ""),
    );
  });

  test("forgetConnectionsTo() filters by the answering address alone", () => {
    expect(hex(forgetConnectionsTo(Uint8Array.of(172, 17, 0, 2)))).toBe(
      [
        "38000000 0201 0500 01000000 00000000 02000000",
        "1000 0280 0c00 0180 0800 0100 ac110002",
        "1400 1980 0800 0100 00000000 0800 0200 01000000",
      ]
        .join("")
        .replaceAll(" ", ""),
    );
  });
});

describe("answers", () => {
  const ack = bytes("24000000 0200 0000 07000000 00000000 00000000 20000000 1000 0500 07000000 00000000");

  test("decodeAcknowledgements() reads success", () => {
    expect(decodeAcknowledgements(decodeMessages(ack))).toEqual([{ sequence: 7, errno: 0, reason: "" }]);
  });

  test("decodeAcknowledgements() reads the kernel's own words after the request that it echoes", () => {
    // EEXIST, the request (20 bytes) echoed whole, then NLMSGERR_ATTR_MSG.
    const request = "14000000 1000 0500 09000000 00000000 aabbccdd";
    const failed = bytes("34000000 0200 0002 09000000 00000000 efffffff", request, "0b00 0100 6e6f7420 6d650000");
    expect(decodeAcknowledgements(decodeMessages(failed))).toEqual([{ sequence: 9, errno: 17, reason: "not me" }]);
  });

  test("decodeAcknowledgements() reads words after a request that was capped", () => {
    const request = "14000000 1000 0500 09000000 00000000";
    const failed = bytes("30000000 0200 0003 09000000 00000000 efffffff", request, "0b00 0100 6e6f7420 6d650000");
    expect(decodeAcknowledgements(decodeMessages(failed))).toEqual([{ sequence: 9, errno: 17, reason: "not me" }]);
  });

  test("isDone() sees the end of a dump", () => {
    expect(isDone(decodeMessages(ack))).toBe(false);
    expect(isDone(decodeMessages(bytes("14000000 0300 0200 01000000 00000000 00000000")))).toBe(true);
  });

  test("decodeLinks() reads a link back as it was asked for", () => {
    const asked = encodeMessages([
      createBridge("tug0", { up: true, macAddress: Uint8Array.of(2, 66, 1, 2, 3, 4), mtu: 1400, alias: "tug" }),
      { type: 99, flags: 0, header: new Uint8Array(16), attributes: [] },
    ]);
    expect(decodeLinks(decodeMessages(asked.messages))).toEqual([
      {
        index: 0,
        name: "tug0",
        up: true,
        mtu: 1400,
        macAddress: Uint8Array.of(2, 66, 1, 2, 3, 4),
        kind: "bridge",
        master: 0,
        alias: "tug",
      },
    ]);
  });

  test("decodeAddresses() and decodeRoutes() read what was asked for", () => {
    const address = { index: 4, address: Uint8Array.of(10, 0, 0, 1), prefixLength: 8 };
    const destination = { destination: Uint8Array.of(10, 1, 0, 0), prefixLength: 16 };
    const { messages } = encodeMessages([
      addAddress(address),
      addRoute({ gateway: Uint8Array.of(10, 0, 0, 2), index: 4, ...destination }),
    ]);
    expect(decodeAddresses(decodeMessages(messages))).toEqual([address]);
    expect(decodeRoutes(decodeMessages(messages))).toEqual([{ ...destination, table: 254, index: 4 }]);
  });

  test.each([
    ["ends within a header", "10000000 0200"],
    ["says it is shorter than its header", "0f000000 0200 0000 07000000 00000000"],
    ["says it is longer than what came", "24000000 0200 0000 07000000 00000000"],
  ])("decodeMessages() refuses a message that %s", (_, input) => {
    expect(() => decodeMessages(bytes(input))).toThrow(EngineError);
  });

  test.each([
    ["is longer than its message", "0900 0300"],
    ["is shorter than its header", "0300 0300"],
  ])("decodeLinks() refuses an attribute that %s", (_, input) => {
    const payload = Buffer.concat([new Uint8Array(16), bytes(input)]);
    expect(() => decodeLinks([{ type: 16, flags: 0, sequence: 1, payload }])).toThrow("length out of bounds");
  });
});

test("u32() is in host order", () => {
  expect([...u32(0x01020304)]).toEqual([4, 3, 2, 1]);
});
