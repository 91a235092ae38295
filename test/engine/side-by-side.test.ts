/** Several daemons on one machine, polite shutdown, reload, and what a daemon leaves behind. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { TestDaemon } from "./_daemon.ts";

test("two daemons run containers with networks of their own", async () => {
  await using one = await TestDaemon.start();
  await using two = await TestDaemon.start();
  const address = ["run", "--rm", "busybox", "sh", "-c", "ip -4 addr show eth0 | grep -o 'inet [0-9.]*'"];
  const [first, second] = await Promise.all([one.ok("docker", address), two.ok("docker", address)]);
  expect(first).toMatch(/^inet \d/);
  expect(first.split(".").slice(0, 3)).not.toEqual(second.split(".").slice(0, 3));
});

test("a second daemon on the same roots is refused", async () => {
  await using one = await TestDaemon.start({ busybox: false });
  const second = Bun.spawnSync(
    ["dist/tugd", `--host=unix://${one.execRoot}/b.sock`, `--data-root=${one.dataRoot}`, `--exec-root=${one.execRoot}`],
    {
      cwd: `${import.meta.dir}/../..`,
      stderr: "pipe",
      timeout: 20_000,
    },
  );
  expect(second.exitCode).toBe(1);
  expect(second.stderr.toString()).toContain(one.dataRoot);
});

test("SIGTERM ends the daemon and not its containers", async () => {
  await using daemon = await TestDaemon.start();
  await daemon.ok("docker", ["run", "-d", "--name", "stays", "busybox", "sleep", "600"]);
  const pid = Number(await daemon.ok("docker", ["inspect", "-f", "{{.State.Pid}}", "stays"]));
  expect(await daemon.down()).toBe(0);
  expect(existsSync(daemon.socket)).toBe(false);
  expect(readFileSync(`/proc/${pid}/comm`, "utf8")).toBe("sleep\n");
  await daemon.up();
  expect(await daemon.ok("docker", ["ps", "--format", "{{.Names}}"])).toBe("stays");
});

test("SIGHUP reads the configuration file again", async () => {
  const file = `/var/tmp/tug-reload-${process.pid}.json`;
  writeFileSync(file, JSON.stringify({ labels: ["a=1"] }));
  await using daemon = await TestDaemon.start({ busybox: false, flags: [`--config-file=${file}`] });
  expect(await daemon.ok("docker", ["info", "-f", "{{.Labels}}"])).toBe("[a=1]");
  const since = (Date.now() / 1000).toFixed(3);
  writeFileSync(file, JSON.stringify({ labels: ["a=2"] }));
  daemon.signal("SIGHUP");
  for (let tries = 0; tries < 100; tries++) {
    if ((await daemon.ok("docker", ["info", "-f", "{{.Labels}}"])) === "[a=2]") break;
    await Bun.sleep(20);
  }
  expect(await daemon.ok("docker", ["info", "-f", "{{.Labels}}"])).toBe("[a=2]");
  const until = (Date.now() / 1000 + 0.5).toFixed(3);
  expect(
    await daemon.ok("docker", ["events", "--since", since, "--until", until, "--format", "{{.Type}} {{.Action}}"]),
  ).toBe("daemon reload");
  await Bun.file(file).delete();
});

test("a daemon that is gone leaves no interface, mount, process, cgroup or rule", async () => {
  const daemon = await TestDaemon.start();
  await daemon.ok("docker", ["run", "-d", "-p", "80", "busybox", "sleep", "600"]);
  await daemon.ok("docker", ["run", "--rm", "busybox", "true"]);
  await daemon[Symbol.asyncDispose]();
  const traces = Bun.spawnSync([
    "sh",
    "-c",
    `ip link; cat /proc/mounts; ps -ef | grep -v grep; nft list ruleset; find /sys/fs/cgroup -name '*${daemon.name}*'`,
  ]);
  expect(
    traces.stdout
      .toString()
      .split("\n")
      .filter((line) => line.includes(daemon.name)),
  ).toEqual([]);
});
