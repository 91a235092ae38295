/** The bridge from one daemon's start to the next: what is made, kept, repaired, given back and refused. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { EngineError } from "#lib/errors";
import {
  addAddress,
  addRoute,
  attribute,
  createBridge,
  decodeMessages,
  deleteAddress,
  deleteLink,
  encodeMessages,
  NETLINK_NETFILTER,
  setLink,
  u32be,
} from "#lib/netlink";
import * as nft from "#lib/nft";
import { HOST_ADDRESS, Lab, SILENCE_MS } from "./_lab.ts";
import { directExecutor } from "./_testing.ts";
import { removeTable } from "./firewall.ts";
import { lookAtHost, routeOp } from "./host.ts";
import type { PortRequest } from "./network.ts";
import { formatAddress, fromBytes } from "./subnet.ts";

const NONE = new Set<string>();
const WEB: PortRequest = {
  protocol: "tcp",
  containerPort: 80,
  hostAddress: "",
  hostPortFirst: 8080,
  hostPortLast: 8080,
};

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

async function linkNames(): Promise<string[]> {
  const { links } = await lookAtHost(directExecutor);
  return links.map(({ name }) => name).filter((name) => name !== "lo" && name !== "uplink");
}

async function addressesOf(bridge: string): Promise<string[]> {
  const { links, addresses } = await lookAtHost(directExecutor);
  const link = links.find(({ name }) => name === bridge);
  return addresses
    .filter(({ index }) => index === link?.index)
    .map(({ address, prefixLength }) => `${formatAddress(fromBytes(address))}/${prefixLength}`);
}

async function tables(): Promise<string[]> {
  const messages = encodeMessages([nft.dumpChains()]);
  const op = { op: "netlink", protocol: NETLINK_NETFILTER, ...messages, ignore: [], what: "list chains" } as const;
  const [answer] = await directExecutor.run([op]);
  return [...new Set(nft.decodeChains(decodeMessages(answer ?? new Uint8Array())).map(({ table }) => table))];
}

/** What a user does with `ip`. */
async function ip(...messages: Parameters<typeof routeOp>[1]): Promise<void> {
  await directExecutor.run([routeOp("ip", messages)]);
}

function attach(containerID: string, ...ports: PortRequest[]) {
  return lab.networks.attach({
    containerID,
    containerName: "web",
    ports,
    macAddress: "",
    interface: { name: "", sysctls: [] },
  });
}

async function failure(promise: Promise<unknown>): Promise<EngineError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof EngineError)) throw new Error(`expected an EngineError, got ${error}`);
  return error;
}

describe("the bridge", () => {
  test("gets the first of Docker's default pools that the host does not use", async () => {
    await ip(createBridge("docker0", { up: true }));
    const { links } = await lookAtHost(directExecutor);
    const index = links.find(({ name }) => name === "docker0")?.index ?? 0;
    await ip(addAddress({ index, address: Uint8Array.of(172, 17, 0, 1), prefixLength: 16 }));
    await ip(
      addRoute({
        destination: Uint8Array.of(172, 18, 4, 0),
        prefixLength: 24,
        gateway: Uint8Array.of(172, 17, 0, 9),
        index,
      }),
    );
    await lab.networks.reconcile(NONE);
    expect(await addressesOf("tug0")).toEqual(["172.19.0.1/16"]);
    expect(lab.networks.get("bridge")).toMatchObject({ subnet: "172.19.0.0/16", gateway: "172.19.0.1" });
  });

  test("keeps its address and ID over a restart, and gets them back when it was deleted", async () => {
    lab.networks = lab.openNetworks({ bip: "10.9.0.1/24" });
    await lab.networks.reconcile(NONE);
    const before = lab.networks.get("bridge");
    await ip(deleteLink({ name: "tug0" }));
    lab.networks = lab.openNetworks();
    await lab.networks.reconcile(NONE);
    expect(await addressesOf("tug0")).toEqual(["10.9.0.1/24"]);
    expect(lab.networks.get("bridge")).toEqual(before);
  });

  test("moves to another --bip, but not while containers run", async () => {
    await lab.networks.reconcile(NONE);
    const container = await lab.start();
    lab.networks = lab.openNetworks({ bip: "10.9.0.1/24" });
    await lab.networks.reconcile(new Set([container.id]));
    expect(await addressesOf("tug0")).toEqual(["172.17.0.1/16"]);
    expect(lab.log.join("")).toContain("the bridge keeps its address while containers run");
    await lab.stop(container);
    await lab.networks.reconcile(NONE);
    expect(await addressesOf("tug0")).toEqual(["10.9.0.1/24"]);
  });

  test.each(["10.9.0.0/24", "10.9.0.255/24", "10.9.0.1/31", "10.9.0.1", "10.9.0.256/24", "nonsense"])(
    "cannot have --bip %s",
    async (bip) => {
      lab.networks = lab.openNetworks({ bip });
      expect((await failure(lab.networks.reconcile(NONE))).kind).toBe("invalid-parameter");
    },
  );

  test.each(["a/b", "..", "sixteen-letters-", "all", "lo", "a b"])("cannot be called %p", async (bridge) => {
    lab.networks = lab.openNetworks({ bridge });
    expect((await failure(lab.networks.reconcile(NONE))).kind).toBe("invalid-parameter");
  });

  test("of somebody else is used as it is, and stays", async () => {
    await ip(createBridge("br0", { up: true }));
    const { links } = await lookAtHost(directExecutor);
    const before = links.find(({ name }) => name === "br0");
    await ip(addAddress({ index: before?.index ?? 0, address: Uint8Array.of(10, 1, 0, 7), prefixLength: 24 }));
    lab.networks = lab.openNetworks({ bridge: "br0", mtu: 1280 });
    await lab.networks.reconcile(NONE);
    const { endpoint } = await attach("one");
    expect(endpoint).toMatchObject({ address: "10.1.0.1", gateway: "10.1.0.7", prefixLength: 24 });
    await lab.networks.teardown();
    const after = await lookAtHost(directExecutor);
    expect(after.links.find(({ name }) => name === "br0")).toEqual(before);
    expect(await addressesOf("br0")).toEqual(["10.1.0.7/24"]);
  });

  test("of somebody else must have an address", async () => {
    await ip(createBridge("br0", { up: true }));
    lab.networks = lab.openNetworks({ bridge: "br0" });
    const error = await failure(lab.networks.reconcile(NONE));
    expect([error.kind, error.message]).toEqual(["failed-precondition", 'bridge "br0" has no IPv4 address']);
  });

  test("must be a bridge", async () => {
    lab.networks = lab.openNetworks({ bridge: "uplink" });
    const error = await failure(lab.networks.reconcile(NONE));
    expect([error.kind, error.message]).toEqual(["failed-precondition", 'link "uplink" is not a bridge']);
  });

  test("can be left out", async () => {
    lab.networks = lab.openNetworks({ bridge: "none" });
    await lab.networks.reconcile(NONE);
    expect(await linkNames()).toEqual([]);
    expect(lab.networks.list().map(({ name }) => name)).toEqual(["host", "none"]);
    expect((await failure(attach("one"))).message).toBe("network bridge not found");
  });

  test("carries its MTU to containers", async () => {
    lab.networks = lab.openNetworks({ mtu: 1280 });
    await lab.networks.reconcile(NONE);
    const { netns } = await lab.start();
    using _inside = netns.enter();
    const { links } = await lookAtHost(directExecutor);
    expect(links.find(({ name }) => name === "eth0")?.mtu).toBe(1280);
  });

  test("of two daemons side by side do not meet, and one teardown leaves the other", async () => {
    await lab.networks.reconcile(NONE);
    const second = lab.openNetworks({ bridge: "tug1", bip: "10.9.0.1/24" });
    await second.reconcile(NONE);
    expect(await linkNames()).toEqual(["tug0", "tug1"]);
    expect(await tables()).toEqual(["tug", "tug-tug1"]);
    await lab.networks.teardown();
    await lab.networks.teardown();
    expect(await linkNames()).toEqual(["tug1"]);
    expect(await tables()).toEqual(["tug-tug1"]);
  });

  test("warns of a firewall that drops what it does not know", async () => {
    const forward = { type: "filter", hook: "forward", priority: 0 } as const;
    const chain = nft.addChain("strict", "FORWARD", forward);
    const dropping = chain.attributes.map((each) => (each.type === 5 ? attribute(5, u32be(0)) : each));
    const batch = nft.encodeBatch([nft.addTable("strict"), { ...chain, attributes: dropping }]);
    await directExecutor.run([{ op: "netlink", protocol: NETLINK_NETFILTER, ...batch, ignore: [], what: "strict" }]);
    await lab.networks.reconcile(NONE);
    expect(lab.log.join("")).toContain("another firewall drops forwarded packets");
    expect(lab.log.join("")).toContain('chain="inet strict FORWARD"');
  });
});

describe("endpoints", () => {
  test("get the lowest free address, and give it back", async () => {
    await lab.networks.reconcile(NONE);
    const addresses = async (id: string) => (await attach(id)).endpoint.address;
    expect([await addresses("a"), await addresses("b")]).toEqual(["172.17.0.2", "172.17.0.3"]);
    await lab.networks.release("a");
    await lab.networks.release("a");
    expect(await addresses("c")).toBe("172.17.0.2");
    expect([...lab.networks.endpoints(lab.networks.get("bridge").id).keys()]).toEqual(["b", "c"]);
  });

  test("attached at once get different addresses", async () => {
    await lab.networks.reconcile(NONE);
    const ports = (hostPort: number) => ({ ...WEB, hostPortFirst: hostPort, hostPortLast: hostPort });
    const attached = await Promise.all([attach("a", ports(8080)), attach("b"), attach("c", ports(8081))]);
    expect(new Set(attached.map(({ endpoint }) => endpoint.address)).size).toBe(3);
  });

  test("have their hardware address from their address, or as asked", async () => {
    await lab.networks.reconcile(NONE);
    expect((await attach("a")).endpoint.macAddress).toBe("02:42:ac:11:00:02");
    const asked = (macAddress: string) =>
      lab.networks.attach({
        containerID: "b",
        containerName: "web",
        ports: [],
        macAddress,
        interface: { name: "", sysctls: [] },
      });
    expect((await asked("92:D0:C6:0A:29:33")).endpoint.macAddress).toBe("92:d0:c6:0a:29:33");
    for (const wrong of ["01:00:00:00:00:00", "92:d0:c6:0a:29", "92:d0:c6:0a:29:zz"]) {
      expect((await failure(asked(wrong))).message).toBe(`invalid MAC address: ${wrong}`);
    }
  });

  test("are refused when the pool is used up", async () => {
    lab.networks = lab.openNetworks({ bip: "10.9.0.1/30" });
    await lab.networks.reconcile(NONE);
    await attach("a");
    const error = await failure(attach("b"));
    const { id } = lab.networks.get("bridge");
    expect(error.kind).toBe("unavailable");
    expect(error.message).toBe(`no available IPv4 addresses on this network's address pools: bridge (${id})`);
  });

  test("of a container that is attached again replace the earlier one", async () => {
    await lab.networks.reconcile(NONE);
    await attach("a", WEB);
    const { endpoint } = await attach("a", WEB);
    expect(endpoint.address).toBe("172.17.0.2");
    expect(lab.networks.endpoints(endpoint.networkID).size).toBe(1);
  });

  test("of running containers outlive the daemon, the others are given back with what they left", async () => {
    await lab.networks.reconcile(NONE);
    const web = await lab.start({ ports: [WEB] });
    const gone = await lab.start({ ports: [{ ...WEB, hostPortFirst: 8081, hostPortLast: 8081 }] });
    await lab.serveTcp(web.netns, 80);
    await lab.serveTcp(gone.netns, 80);
    // The daemon dies: its sockets close and nothing else happens.
    await lab.networks[Symbol.asyncDispose]();
    expect(await lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8081)).toContain("hello");

    lab.networks = lab.openNetworks();
    await lab.networks.reconcile(new Set([web.id]));
    expect(lab.networks.endpoints(web.endpoint.networkID)).toEqual(new Map([[web.id, web.endpoint]]));
    expect(await linkNames()).toEqual(["tug0", web.endpoint.hostInterface]);
    expect(await lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8080)).toContain("hello");
    expect(await lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8081)).toBe("ECONNREFUSED");
    expect(await lab.ask(lab.host, "tcp", "::1", 8080)).toContain("hello");
  });

  test("of running containers come back to a bridge that was deleted", async () => {
    await lab.networks.reconcile(NONE);
    const web = await lab.start({ ports: [WEB] });
    await lab.serveTcp(web.netns, 80);
    await lab.networks.teardown();
    expect(await lab.ask(lab.host, "tcp", web.endpoint.address, 80, { timeoutMs: SILENCE_MS })).not.toContain("hello");
    await lab.networks.reconcile(new Set([web.id]));
    expect(await lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8080)).toContain("hello");
  });

  test("that end leave no link up, no published port and no connection", async () => {
    await lab.networks.reconcile(NONE);
    const web = await lab.start({ ports: [WEB] });
    await lab.serveTcp(web.netns, 80);
    expect(await lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8080)).toContain("hello");
    await lab.stop(web);
    expect(await lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8080)).toBe("ECONNREFUSED");
    const { links } = await lookAtHost(directExecutor);
    expect(links.find(({ name }) => name === web.endpoint.hostInterface)?.up).toBe(false);
  });

  test("whose monitor was lost are cleaned up by their release", async () => {
    await lab.networks.reconcile(NONE);
    const web = await lab.start({ ports: [WEB] });
    await lab.networks.release(web.id, { monitorLost: true });
    expect(await lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8080)).toBe("ECONNREFUSED");
    const next = await lab.start({ ports: [WEB] });
    await lab.serveTcp(next.netns, 80);
    expect(await lab.ask(lab.outside, "tcp", HOST_ADDRESS, 8080)).toContain("hello");
  });

  test("that published UDP do not keep what a client goes on to send", async () => {
    await lab.networks.reconcile(NONE);
    const dns = { ...WEB, protocol: "udp", containerPort: 53 } as const;
    const first = await lab.start({ ports: [dns] });
    await lab.serveUdp(first.netns, 53);
    using client = await lab.udpClient(lab.outside);
    expect(await client.ask(HOST_ADDRESS, 8080)).toContain("hello");
    await lab.stop(first);
    // Holds the old address, so that the next one gets another.
    await attach("placeholder");
    const second = await lab.start({ ports: [dns] });
    await lab.serveUdp(second.netns, 53);
    expect(await client.ask(HOST_ADDRESS, 8080)).toContain("hello");
  });
});

test("a container cannot speak to or as the host's 127.0.0.1 through route_localnet", async () => {
  await lab.networks.reconcile(NONE);
  const { netns } = await lab.start();
  await lab.serveTcp(lab.host, 9000, "127.0.0.1");
  const seen = await lab.serveUdp(lab.host, 9001);
  const eth0 = 100;
  {
    // What a container with CAP_NET_ADMIN can do, or with CAP_NET_RAW build by hand.
    using _inside = netns.enter();
    writeFileSync("/proc/sys/net/ipv4/conf/eth0/route_localnet", "1");
    await ip(
      deleteAddress({ index: 1, address: Uint8Array.of(127, 0, 0, 1), prefixLength: 8 }),
      addRoute({
        destination: Uint8Array.of(127, 0, 0, 1),
        prefixLength: 32,
        gateway: Uint8Array.of(172, 17, 0, 1),
        index: eth0,
      }),
      addAddress({ index: eth0, address: Uint8Array.of(127, 0, 0, 5), prefixLength: 32 }),
      setLink({ index: eth0 }, { up: true }),
    );
  }
  const quick = { timeoutMs: SILENCE_MS };
  const spoofed = { ...quick, from: "127.0.0.5" };
  expect(await lab.ask(netns, "tcp", "127.0.0.1", 9000, quick)).toBe("timeout");
  expect(await lab.ask(netns, "udp", "172.17.0.1", 9001, spoofed)).toBe("timeout");
  expect(seen).toEqual([]);

  await directExecutor.run([removeTable("tug")]);
  expect(await lab.ask(netns, "tcp", "127.0.0.1", 9000)).toContain("hello");
  await lab.ask(netns, "udp", "172.17.0.1", 9001, spoofed);
  expect(seen).toContain("127.0.0.5");
});
