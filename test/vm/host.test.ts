/** Storage and network of a common Debian host: every driver on its kernel, and ports seen from other machines. */
import { describe, expect, test } from "bun:test";
import { TestDaemon } from "../engine/_daemon.ts";
import { sh } from "./_guest.ts";

test("erofs is the driver of choice on this kernel", async () => {
  await using daemon = await TestDaemon.start({ busybox: false });
  expect(await daemon.ok("docker", ["info", "-f", "{{.Driver}}"])).toBe("erofs");
});

describe.each([
  ["erofs", "overlay"],
  ["overlay", "overlay"],
  ["vfs", "ext4"],
])("--storage-driver=%s", (driver, root) => {
  test("runs containers that keep what they write, and no mount is seen on the host", async () => {
    await using daemon = await TestDaemon.start({ flags: [`--storage-driver=${driver}`] });
    const ok = (...args: string[]) => daemon.ok("docker", args);
    expect(await ok("info", "-f", "{{.Driver}}")).toBe(driver);
    const id = await ok("create", "busybox", "sh", "-c", "echo line >>/file; rm -f /etc/group; cat /file; ls /etc");
    expect(await ok("start", "-a", id)).toMatch(/^line\n(?!.*group)/s);
    expect(await ok("start", "-a", id)).toMatch(/^line\nline\n/);
    expect(await ok("run", "--rm", "busybox", "sh", "-c", "head -n 1 /etc/group; ls /")).toMatch(
      /^root:x:0:\n(?!.*file)/s,
    );
    expect(await ok("run", "--rm", "busybox", "sh", "-c", "grep ' / ' /proc/self/mounts | cut -d' ' -f3")).toBe(root);
    await ok("run", "-d", "busybox", "sleep", "600");
    expect(await sh(`grep -c ${daemon.name} /proc/self/mountinfo || true`)).toBe("0");
  });
});

test("a published port is reached from this host and from another, and containers reach out", async () => {
  await using daemon = await TestDaemon.start();
  const ok = (...args: string[]) => daemon.ok("docker", args);
  await sh(`ip netns add outside && ip link add toguest type veth peer name eth0 netns outside &&
    ip address add 192.0.2.1/24 dev toguest && ip link set toguest up &&
    ip -n outside address add 192.0.2.2/24 dev eth0 && ip -n outside link set eth0 up`);
  try {
    const script = "mkdir /www; echo served >/www/index.html; exec httpd -fvv -p 80 -h /www";
    const id = await ok("run", "-d", "-p", "8080:80", "busybox", "sh", "-c", script);
    const get = (address: string) => `curl -sS --retry 20 --retry-connrefused --max-time 5 http://${address}:8080/`;
    const inside = await ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", id);
    expect(await sh(`curl -sS --retry 20 --retry-connrefused http://${inside}/`)).toBe("served");
    expect(await sh(get("127.0.0.1"))).toBe("served");
    expect(await sh(get("192.0.2.1"))).toBe("served");
    expect(await sh(`ip netns exec outside ${get("192.0.2.1")}`)).toBe("served");
    expect((await daemon.cli("docker", ["logs", id])).stderr).toContain("192.0.2.2");
    const knock = "until echo out | nc -w 2 192.0.2.2 7777; do sleep 0.2; done";
    const [heard] = await Promise.all([
      sh("ip netns exec outside timeout 30 busybox nc -l -p 7777"),
      ok("run", "--rm", "busybox", "timeout", "30", "sh", "-c", knock),
    ]);
    expect(heard).toBe("out");
  } finally {
    await sh("ip netns delete outside; ip link delete toguest 2>/dev/null || true");
  }
});
