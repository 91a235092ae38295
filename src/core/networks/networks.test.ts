import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { addRoute, deleteAddress } from "#lib/netlink";
import { type Container, HOST_ADDRESS, Lab, OUTSIDE_ADDRESS, SILENCE_MS, UPLINK } from "./_lab.ts";
import { directExecutor } from "./_testing.ts";
import { routeOp } from "./host.ts";
import type { PortRequest } from "./network.ts";

function port(spec: Partial<PortRequest> & { containerPort: number }): PortRequest {
  const { hostPortFirst = 0 } = spec;
  return { protocol: "tcp", hostAddress: "", hostPortFirst, hostPortLast: hostPortFirst, ...spec };
}

describe.each([
  ["as the kernel comes", false],
  ["with bridged frames filtered and strict reverse paths", true],
])("the default bridge, %s", (_, strict) => {
  let lab: Lab;
  let web: Container;
  let other: Container;

  beforeAll(async () => {
    lab = new Lab();
    writeFileSync("/proc/sys/net/bridge/bridge-nf-call-iptables", strict ? "1" : "0");
    writeFileSync("/proc/sys/net/ipv4/conf/all/rp_filter", strict ? "1" : "0");
    await lab.networks.reconcile(new Set());
    web = await lab.start({
      ports: [
        port({ containerPort: 80, hostPortFirst: 8080 }),
        port({ containerPort: 80, hostPortFirst: 8081, hostAddress: "127.0.0.1" }),
        port({ containerPort: 80, hostPortFirst: 8082, hostAddress: HOST_ADDRESS }),
        port({ containerPort: 53, hostPortFirst: 5353, protocol: "udp" }),
      ],
    });
    other = await lab.start();
    await lab.serveTcp(web.netns, 80);
    await lab.serveTcp(web.netns, 81);
    await lab.serveUdp(web.netns, 53);
    await lab.serveTcp(lab.outside, 9000);
    await lab.serveTcp(lab.host, 9001, "127.0.0.1");
    await lab.serveTcp(lab.host, 9002);
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  const cases: [string, () => Promise<string>, string][] = [
    [
      "outside reaches a published port, from its own address",
      () => lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8080),
      `tcp ${OUTSIDE_ADDRESS} hello`,
    ],
    [
      "outside reaches a published UDP port",
      () => lab.ask(lab.outside, "udp", HOST_ADDRESS, 5353),
      `udp ${OUTSIDE_ADDRESS} hello`,
    ],
    [
      "outside reaches a port published on that address",
      () => lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8082),
      `tcp ${OUTSIDE_ADDRESS} hello`,
    ],
    [
      "outside does not reach a port published on 127.0.0.1",
      () => lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8081),
      "ECONNREFUSED",
    ],
    [
      "outside does not reach a container's address, though it routes there",
      () => lab.ask(lab.outside, "tcp", "172.17.0.2", 80, { timeoutMs: SILENCE_MS }),
      "timeout",
    ],
    [
      "the host reaches a published port by 127.0.0.1",
      () => lab.ask(lab.host, "tcp", "127.0.0.1", 8080),
      "tcp 172.17.0.1 hello",
    ],
    [
      "the host reaches a published UDP port by 127.0.0.1",
      () => lab.ask(lab.host, "udp", "127.0.0.1", 5353),
      "udp 172.17.0.1 hello",
    ],
    [
      "the host reaches a published port by its own address",
      () => lab.ask(lab.host, "tcp", HOST_ADDRESS, 8080),
      `tcp ${HOST_ADDRESS} hello`,
    ],
    [
      "the host reaches a port published on 127.0.0.1",
      () => lab.ask(lab.host, "tcp", "127.0.0.1", 8081),
      "tcp 172.17.0.1 hello",
    ],
    [
      "the host does not find a port by an address it is not published on",
      () => lab.ask(lab.host, "tcp", "127.0.0.1", 8082),
      "ECONNREFUSED",
    ],
    ["the host reaches a published port by ::1", () => lab.ask(lab.host, "tcp", "::1", 8080), "tcp 172.17.0.1 hello"],
    [
      "the host reaches a published UDP port by ::1",
      () => lab.ask(lab.host, "udp", "::1", 5353),
      "udp 172.17.0.1 hello",
    ],
    [
      "the host reaches an unpublished port by the container's address",
      () => lab.ask(lab.host, "tcp", "172.17.0.2", 81),
      "tcp 172.17.0.1 hello",
    ],
    [
      "a container reaches its own published port by the host's address",
      () => lab.ask(web.netns, "tcp", HOST_ADDRESS, 8080),
      "tcp 172.17.0.1 hello",
    ],
    [
      "a container reaches its own published UDP port by the host's address",
      () => lab.ask(web.netns, "udp", HOST_ADDRESS, 5353),
      "udp 172.17.0.1 hello",
    ],
    [
      "a container reaches another's published port by the host's address",
      () => lab.ask(other.netns, "tcp", HOST_ADDRESS, 8080),
      "tcp 172.17.0.1 hello",
    ],
    [
      "a container reaches another's published port by the gateway",
      () => lab.ask(other.netns, "tcp", "172.17.0.1", 8080),
      "tcp 172.17.0.1 hello",
    ],
    [
      "a container reaches another by its address",
      () => lab.ask(other.netns, "tcp", "172.17.0.2", 81),
      "tcp 172.17.0.3 hello",
    ],
    [
      "a container reaches the outside from the host's address",
      () => lab.ask(other.netns, "tcp", OUTSIDE_ADDRESS, 9000),
      `tcp ${HOST_ADDRESS} hello`,
    ],
    ["a container reaches the host", () => lab.ask(other.netns, "tcp", "172.17.0.1", 9002), "tcp 172.17.0.3 hello"],
  ];
  test.each(cases)("%s", async (_, ask, answer) => {
    expect(await ask()).toBe(answer);
  });

  test("outside does not reach a port published on 127.0.0.1 by routing there", async () => {
    using _outside = lab.outside.enter();
    writeFileSync("/proc/sys/net/ipv4/conf/eth0/route_localnet", "1");
    await directExecutor.run([
      routeOp("route 127.0.0.1 to the host", [
        deleteAddress({ index: 1, address: Uint8Array.of(127, 0, 0, 1), prefixLength: 8 }),
        addRoute({
          destination: Uint8Array.of(127, 0, 0, 1),
          prefixLength: 32,
          gateway: Uint8Array.of(192, 0, 2, 1),
          index: UPLINK.outside,
        }),
      ]),
    ]);
    expect(await lab.ask(lab.outside, "tcp", "127.0.0.1", 8081, { timeoutMs: SILENCE_MS })).toBe("timeout");
  });
});
