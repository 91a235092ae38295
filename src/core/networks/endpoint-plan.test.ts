import { expect, test } from "bun:test";
import { decodeMessages } from "#lib/netlink";
import { endpointPlan, hostInterfaceName, loopbackPlan } from "./endpoint-plan.ts";
import type { Endpoint } from "./network.ts";

const PORT = {
  table: "tug",
  bridgeIndex: 7,
  mtu: 0,
  ipv6: true,
  interface: { name: "", sysctls: [] as { key: string; value: string }[] },
};
const ENDPOINT: Endpoint = {
  networkName: "bridge",
  networkID: "n",
  endpointID: "e",
  macAddress: "02:42:ac:11:00:02",
  address: "172.17.0.2",
  prefixLength: 16,
  gateway: "172.17.0.1",
  ports: [],
  hostInterface: "veth0000001",
};
const RELAYED = { protocol: "tcp", containerPort: 80, hostAddress: "::", hostPort: 8080 } as const;
const TRANSLATED = { ...RELAYED, hostAddress: "0.0.0.0" };

function outline(endpoint: Endpoint, port = PORT) {
  const { beside, inside, after } = endpointPlan(endpoint, port);
  const names = (ops: readonly { op: string; what?: string }[]) => ops.map(({ op, what }) => what ?? op);
  return { beside: names(beside), inside: names(inside), after: names(after) };
}

test("endpointPlan() without ports is one op beside, two inside and one after", () => {
  expect(outline(ENDPOINT)).toEqual({
    beside: ['create veth pair "veth0000001"'],
    inside: ["sysctl", "configure eth0"],
    after: ['take down "veth0000001"'],
  });
});

test("endpointPlan() names the interface and sets its sysctls as asked", () => {
  const sysctls = [{ key: "net.ipv4.conf.IFNAME.log_martians", value: "1" }];
  const { beside, inside } = endpointPlan(ENDPOINT, { ...PORT, interface: { name: "lan0", sysctls } });
  expect(inside.slice(0, 2)).toEqual([
    { op: "sysctl", key: "net/ipv6/conf/lan0/disable_ipv6", value: "1" },
    { op: "sysctl", key: "net/ipv4/conf/lan0/log_martians", value: "1" },
  ]);
  const [pair] = beside;
  expect(pair?.op === "netlink" && Buffer.from(pair.messages).includes("lan0")).toBe(true);
});

test("endpointPlan() has no sysctl for a kernel without IPv6", () => {
  expect(outline(ENDPOINT, { ...PORT, ipv6: false }).inside).toEqual(["configure eth0"]);
});

test("endpointPlan() publishes and forgets translated ports", () => {
  expect(outline({ ...ENDPOINT, ports: [TRANSLATED, RELAYED] })).toMatchObject({
    beside: ['create veth pair "veth0000001"', "publish ports"],
    after: ['take down "veth0000001"', "forget connections to 172.17.0.2", "unpublish ports"],
  });
});

test("endpointPlan() tells the firewall nothing of ports that are relayed", () => {
  expect(outline({ ...ENDPOINT, ports: [RELAYED] }).beside).toEqual(['create veth pair "veth0000001"']);
});

test("endpointPlan() has the child's pid stored in the message that makes the pair, and nowhere else", () => {
  const { beside, inside } = endpointPlan(ENDPOINT, PORT);
  const places = [...beside, ...inside].flatMap((op) => (op.op === "netlink" ? op.childPidAt : []));
  expect(places).toHaveLength(1);
  const [create] = beside.flatMap((op) => (op.op === "netlink" ? decodeMessages(op.messages) : []));
  // The peer's IFLA_NET_NS_PID is the last attribute of the first message: 16 bytes of header, then its payload.
  expect(places[0]).toBe(16 + (create?.payload.byteLength ?? 0) - 4);
});

test("hostInterfaceName() fits an interface name", () => {
  expect(hostInterfaceName("0123456789abcdef")).toBe("veth0123456");
});

test("loopbackPlan() touches loopback alone", () => {
  const { beside, inside, after } = loopbackPlan();
  expect([beside.length, inside.length, after.length]).toEqual([0, 1, 0]);
});
