/**
 * Ways over the network from a container to what is only meant for the host.
 *
 *     CVE-2020-15257   abstract unix sockets of the host, by which containerd's shims could be told to start anything
 *     CVE-2020-8558    services on the host's loopback, by packets for 127.0.0.1 from the bridge (route_localnet)
 *     CVE-2020-10749, CVE-2020-13401   router advertisements of a container that the host believes
 *
 * What stops them: a network namespace for each container; monitors listen on paths that no container has; the firewall drops what
 * comes from elsewhere for the loopback.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { TestDaemon } from "../_daemon.ts";

let daemon: TestDaemon;
let gateway: string;
let port: number;
let reached = 0;
const abstractName = `tug-abstract-${process.pid}`;
const servers: Server[] = [];

beforeAll(async () => {
  daemon = await TestDaemon.start();
  gateway = await daemon.ok("docker", ["network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}"]);
  port = await listen({ host: "127.0.0.1", port: 0 });
  await listen({ path: `\0${abstractName}` });
});
afterAll(async () => {
  for (const server of servers) server.close();
  await daemon?.[Symbol.asyncDispose]();
});

/** A service of the host that counts who comes. */
function listen(where: { host: string; port: number } | { path: string }): Promise<number> {
  const server = createServer((socket) => {
    reached++;
    socket.end("welcome\n");
  });
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(where, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
}

const shell = (script: string, ...flags: string[]) =>
  daemon.cli("docker", ["run", "--rm", ...flags, "busybox", "sh", "-c", script]);

test("the host's abstract sockets are not there", async () => {
  expect(readFileSync("/proc/net/unix", "utf8")).toContain(abstractName);
  const { stdout } = await shell("cat /proc/net/unix");
  expect(stdout.trim().split("\n")).toHaveLength(1);
});

test("the host's loopback is not reached, by whatever address", async () => {
  for (const address of ["127.0.0.1", gateway, "127.0.0.2", "0.0.0.0", "::1"]) {
    const { stdout } = await shell(`nc -w 1 ${address} ${port} < /dev/null`);
    expect([address, stdout]).toEqual([address, ""]);
  }
  expect(reached).toBe(0);
});

test("nor by a container that may route, while ports are published (CVE-2020-8558)", async () => {
  await daemon.ok("docker", ["run", "-d", "--name=published", "-p", "127.0.0.1::80", "busybox", "sleep", "600"]);
  const flags = ["--cap-add=NET_ADMIN", "--cap-add=NET_RAW", "--sysctl=net.ipv4.conf.all.route_localnet=1"];
  const routed = [
    "ip addr del 127.0.0.1/8 dev lo",
    `ip route add 127.0.0.0/8 via ${gateway}`,
    "ip route flush table local 2>/dev/null; ip route add local $(hostname -i) dev eth0 table local",
    `nc -w 1 127.0.0.1 ${port} < /dev/null`,
  ].join("; ");
  expect((await shell(routed, ...flags)).stdout).toBe("");
  expect(reached).toBe(0);
  await daemon.ok("docker", ["rm", "-f", "published"]);
});

test("only the container's own interfaces, connections and counters are to be seen", async () => {
  const { stdout } = await shell("ls /sys/class/net; ls /sys/devices/virtual/net; cat /proc/net/tcp /proc/1/net/tcp");
  const lines = stdout.trim().split("\n");
  expect(lines.filter((line) => !line.includes("local_address"))).toEqual(["eth0", "lo", "eth0", "lo"]);
});

test("interfaces, addresses and rules cannot be changed by default", async () => {
  for (const command of ["ip link set eth0 down", "ip addr add 10.9.9.9/8 dev eth0", "ip route del default"]) {
    const result = await shell(command);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain("Operation not permitted");
  }
});

test("the host believes no router advertisement from the bridge (CVE-2020-10749)", () => {
  expect(readFileSync(`/proc/sys/net/ipv6/conf/${daemon.name}/disable_ipv6`, "utf8")).toBe("1\n");
});
