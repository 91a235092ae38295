import { describe, expect, test } from "bun:test";
import { chooseSubnet, lowestFree } from "./address-pool.ts";
import {
  broadcastOf,
  formatAddress,
  formatSubnet,
  fromBytes,
  overlaps,
  parseAddress,
  parseInterfaceAddress,
  type Subnet,
  toBytes,
} from "./subnet.ts";

function subnet(cidr: string): Subnet {
  return parseInterfaceAddress(cidr).subnet;
}

describe("parseInterfaceAddress()", () => {
  test("keeps the address and masks the subnet, above the sign bit too", () => {
    const { address, subnet } = parseInterfaceAddress("192.168.17.5/20");
    expect(formatAddress(address)).toBe("192.168.17.5");
    expect(formatSubnet(subnet)).toBe("192.168.16.0/20");
    expect(formatAddress(broadcastOf(subnet))).toBe("192.168.31.255");
  });

  test.each(["", "1.2.3.4", "1.2.3.4/33", "1.2.3/24", "1.2.3.256/24", "1.2.3.4/24x", "::1/64", "1.2.3.4/-1"])(
    "refuses %p",
    (value) => {
      expect(() => parseInterfaceAddress(value)).toThrow("invalid");
    },
  );
});

test("toBytes() and fromBytes() are in network order", () => {
  expect([...toBytes(parseAddress("192.0.2.1"))]).toEqual([192, 0, 2, 1]);
  expect(fromBytes(Uint8Array.of(192, 0, 2, 1))).toBe(parseAddress("192.0.2.1"));
});

test("overlaps() sees the smaller in the larger, whichever comes first", () => {
  expect(overlaps(subnet("172.17.0.0/16"), subnet("172.17.4.0/24"))).toBe(true);
  expect(overlaps(subnet("172.17.4.0/24"), subnet("172.17.0.0/16"))).toBe(true);
  expect(overlaps(subnet("172.17.0.0/16"), subnet("172.18.0.0/16"))).toBe(false);
  expect(overlaps(subnet("0.0.0.0/0"), subnet("255.255.255.255/32"))).toBe(true);
  expect(overlaps(subnet("10.0.0.1/32"), subnet("10.0.0.2/32"))).toBe(false);
});

describe("chooseSubnet()", () => {
  const chosen = (...taken: string[]) => {
    const found = chooseSubnet(taken.map(subnet));
    return found ? formatSubnet(found) : undefined;
  };

  test("goes through Docker's default pools in order", () => {
    expect(chosen()).toBe("172.17.0.0/16");
    expect(chosen("172.17.3.0/24")).toBe("172.18.0.0/16");
    expect(chosen("172.16.0.0/12")).toBe("192.168.0.0/20");
    expect(chosen("172.16.0.0/12", "192.168.1.0/24")).toBe("192.168.16.0/20");
  });

  test("gives up when all are taken", () => {
    expect(chosen("172.16.0.0/12", "192.168.0.0/16")).toBeUndefined();
  });
});

describe("lowestFree()", () => {
  const free = (cidr: string, ...taken: string[]) => {
    const found = lowestFree(subnet(cidr), new Set(taken.map(parseAddress)));
    return found === undefined ? undefined : formatAddress(found);
  };

  test("fills gaps first", () => {
    expect(free("10.0.0.0/24", "10.0.0.1")).toBe("10.0.0.2");
    expect(free("10.0.0.0/24", "10.0.0.1", "10.0.0.3")).toBe("10.0.0.2");
  });

  test("gives neither the subnet's own nor its broadcast address", () => {
    expect(free("10.0.0.0/30", "10.0.0.1", "10.0.0.2")).toBeUndefined();
  });
});
