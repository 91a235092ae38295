/** One cgroup tree (v2): limits, devices, namespaces, and what the tree itself demands. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { TestDaemon } from "../engine/_daemon.ts";
import { sh } from "./_guest.ts";

const TREE = "/sys/fs/cgroup";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const docker = (...args: string[]) => daemon.cli("docker", args);
const ok = (...args: string[]) => daemon.ok("docker", args);

/** What a file of the container's cgroup holds. */
function cgroupFile(id: string, file: string): string {
  return readFileSync(`${TREE}/tug/${id}/${file}`, "utf8").trim();
}

test("the guest has one tree and no other", async () => {
  expect(await sh("stat -f -c %T /sys/fs/cgroup")).toBe("cgroup2fs");
  expect(await sh("grep -c ' - cgroup ' /proc/self/mountinfo || true")).toBe("0");
  expect(await ok("info", "-f", "{{.CgroupVersion}} {{.CgroupDriver}} {{.MemoryLimit}} {{.SwapLimit}}")).toBe(
    "2 cgroupfs true true",
  );
});

test("a container runs, is entered, is read and is stopped", async () => {
  const script = "trap 'echo bye; exit 5' TERM; echo hello; while :; do sleep 0.1; done";
  const id = await ok("run", "-d", "busybox", "sh", "-c", script);
  expect(await ok("exec", id, "echo", "inside")).toBe("inside");
  await ok("stop", id);
  expect(await ok("wait", id)).toBe("5");
  expect(await ok("logs", id)).toBe("hello\nbye");
  await ok("rm", id);
});

describe("limits", () => {
  test.each([
    [["--memory=64m"], { "memory.max": "67108864", "memory.swap.max": "67108864" }],
    [["--memory=64m", "--memory-swap=64m"], { "memory.max": "67108864", "memory.swap.max": "0" }],
    [["--memory=64m", "--memory-swap=-1"], { "memory.max": "67108864", "memory.swap.max": "max" }],
    [["--memory=64m", "--memory-reservation=32m"], { "memory.low": "33554432" }],
    [["--cpus=1.5"], { "cpu.max": "150000 100000" }],
    [["--cpu-period=50000", "--cpu-quota=20000"], { "cpu.max": "20000 50000" }],
    [["--cpu-shares=512"], { "cpu.weight": "59" }],
    [["--cpuset-cpus=1"], { "cpuset.cpus": "1", "cpuset.cpus.effective": "1" }],
    [["--cpuset-mems=0"], { "cpuset.mems": "0" }],
    [["--pids-limit=77"], { "pids.max": "77" }],
    [["--device-write-bps=/dev/vda:1mb"], { "io.max": "254:0 rbps=max wbps=1048576 riops=max wiops=max" }],
    [[], { "memory.max": "max", "memory.swap.max": "max", "cpu.max": "max 100000", "pids.max": "max" }],
  ])("%j are those of the container's own cgroup", async (flags, files) => {
    const id = await ok("run", "-d", ...flags, "busybox", "sleep", "600");
    const found = Object.fromEntries(Object.keys(files).map((file) => [file, cgroupFile(id, file)]));
    expect(found).toEqual(files);
    await ok("rm", "-f", id);
  });

  test("a container that outgrows its memory is killed, and that is told", async () => {
    const result = await docker(
      "run",
      "--name=greedy",
      "--memory=16m",
      "--memory-swap=16m",
      "busybox",
      "tail",
      "/dev/zero",
    );
    expect(result.code).toBe(137);
    expect(await ok("inspect", "-f", "{{.State.ExitCode}} {{.State.OOMKilled}}", "greedy")).toBe("137 true");
    await ok("rm", "greedy");
  });

  test("a container that was only killed was not out of memory", async () => {
    const id = await ok("run", "-d", "--memory=16m", "busybox", "sleep", "600");
    await ok("kill", id);
    await ok("wait", id);
    expect(await ok("inspect", "-f", "{{.State.ExitCode}} {{.State.OOMKilled}}", id)).toBe("137 false");
    await ok("rm", id);
  });

  test("no more processes than allowed come to be", async () => {
    const script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait";
    const result = await docker("run", "--rm", "--pids-limit=8", "busybox", "timeout", "20", "sh", "-c", script);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain("can't fork");
  });

  test("no more processor time than allowed is had", async () => {
    const id = await ok("run", "-d", "--cpus=0.1", "busybox", "sh", "-c", "while :; do :; done");
    await sh(`until grep -q 'nr_throttled [1-9]' ${TREE}/tug/${id}/cpu.stat; do sleep 0.1; done`);
    await ok("rm", "-f", id);
  });

  test("what this tree cannot do is refused or said", async () => {
    const refused = await docker("run", "--rm", "--cpu-rt-runtime=1000", "busybox", "true");
    expect(refused.code).toBe(125);
    const warned = await docker("run", "--rm", "--memory=64m", "--memory-swappiness=10", "busybox", "true");
    expect(warned.stderr).toMatch(/swappiness/i);
  });
});

describe("devices", () => {
  const READ_DISK = "mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk";

  test("a node that was made inside opens nothing", async () => {
    const result = await docker("run", "--rm", "busybox", "sh", "-c", READ_DISK);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("/tmp/disk: Operation not permitted");
  });

  test("the usual devices work", async () => {
    const script =
      "echo >/dev/null && head -c 9 /dev/zero /dev/urandom /dev/random | wc -c && test -c /dev/tty && echo >/dev/full";
    const result = await docker("run", "--rm", "busybox", "sh", "-c", script);
    expect(Number(result.stdout)).toBeGreaterThanOrEqual(27);
    expect(result.stderr).toContain("No space left on device");
    expect((await docker("run", "--rm", "-t", "busybox", "tty")).stdout.trim()).toBe("/dev/pts/0");
  });

  test("--device gives what its letters say", async () => {
    const script = "head -c 1 /dev/vda | wc -c; echo >>/dev/vda";
    const result = await docker("run", "--rm", "--device=/dev/vda:/dev/vda:r", "busybox", "sh", "-c", script);
    expect(result.stdout).toBe("1\n");
    expect(result.stderr).toContain("/dev/vda: Operation not permitted");
    expect(await ok("run", "--rm", "--device=/dev/vda", "busybox", "sh", "-c", "head -c 1 /dev/vda | wc -c")).toBe("1");
  });

  test("--device-cgroup-rule gives access without a node", async () => {
    const result = await docker(
      "run",
      "--rm",
      "--device-cgroup-rule=b 254:* rm",
      "busybox",
      "sh",
      "-c",
      `${READ_DISK} | wc -c`,
    );
    expect(result.stdout).toBe("1\n");
  });

  test("--privileged gives all", async () => {
    expect(await ok("run", "--rm", "--privileged", "busybox", "sh", "-c", "head -c 1 /dev/vda | wc -c")).toBe("1");
  });

  test("exec is under the same rules", async () => {
    const id = await ok("run", "-d", "busybox", "sleep", "600");
    const result = await docker("exec", id, "sh", "-c", READ_DISK);
    expect(result.stderr).toContain("/tmp/disk: Operation not permitted");
    await ok("rm", "-f", id);
  });
});

describe("namespace and tree", () => {
  test("a container sees itself as the root, with --cgroupns=host the whole path", async () => {
    expect(await ok("run", "--rm", "busybox", "cat", "/proc/self/cgroup")).toBe("0::/");
    const id = await ok("create", "--cgroupns=host", "busybox", "cat", "/proc/self/cgroup");
    expect(await ok("start", "-a", id)).toBe(`0::/tug/${id}`);
    await ok("rm", id);
  });

  test("the machine's own tree keeps its options, whatever containers mount", async () => {
    const options = "grep ' /sys/fs/cgroup ' /proc/self/mounts";
    const before = await sh(options);
    expect(before).toContain("nsdelegate");
    await ok("run", "--rm", "--privileged", "--cgroupns=host", "busybox", "ls", "/sys/fs/cgroup/tug");
    await ok("run", "--rm", "--privileged", "busybox", "mount", "-t", "cgroup2", "none", "/home");
    expect(await sh(options)).toBe(before);
  });

  test("/sys/fs/cgroup is the container's own part, and read-only", async () => {
    const script =
      "cat /sys/fs/cgroup/memory.max; mkdir /sys/fs/cgroup/sub; echo 1 >/sys/fs/cgroup/pids.max; grep ' /sys/fs/cgroup ' /proc/self/mounts";
    const result = await docker("run", "--rm", "--memory=64m", "busybox", "sh", "-c", script);
    expect(result.stdout).toMatch(/^67108864\ncgroup \/sys\/fs\/cgroup cgroup2 ro,nosuid,nodev,noexec/);
    expect(result.stderr.match(/Read-only file system/g)).toHaveLength(2);
  });

  test("a privileged container may divide its own part", async () => {
    const script =
      "mkdir /sys/fs/cgroup/leaf && echo 0 >/sys/fs/cgroup/leaf/cgroup.procs && echo +pids >/sys/fs/cgroup/cgroup.subtree_control && cat /proc/self/cgroup";
    expect(await ok("run", "--rm", "--privileged", "busybox", "sh", "-c", script)).toBe("0::/leaf");
  });

  test("exec joins the container's cgroup and sees it as the root", async () => {
    const id = await ok("run", "-d", "busybox", "sleep", "600");
    expect(await ok("exec", id, "cat", "/proc/self/cgroup")).toBe("0::/");
    await ok("exec", "-d", id, "sleep", "601");
    expect(cgroupFile(id, "cgroup.procs").split("\n")).toHaveLength(2);
    await ok("rm", "-f", id);
  });

  test("pause freezes all of a container", async () => {
    const id = await ok("run", "-d", "busybox", "sleep", "600");
    await ok("pause", id);
    expect(cgroupFile(id, "cgroup.events")).toContain("frozen 1");
    await ok("unpause", id);
    expect(cgroupFile(id, "cgroup.events")).toContain("frozen 0");
    await ok("rm", "-f", id);
  });

  test("no cgroup of ours has both processes and controllers for those below it", async () => {
    const id = await ok("run", "-d", "busybox", "sleep", "600");
    const inner = `find ${TREE}/tug -name cgroup.subtree_control | while read -r file; do
      [ -z "$(cat "$file")" ] || [ -z "$(cat "$(dirname "$file")/cgroup.procs")" ] || echo "$file"
    done`;
    expect(await sh(inner)).toBe("");
    expect(cgroupFile(id, "cgroup.type")).toBe("domain");
    expect(cgroupFile(id, "cgroup.controllers").split(" ")).toEqual(
      expect.arrayContaining(["cpuset", "cpu", "io", "memory", "pids"]),
    );
    await ok("rm", "-f", id);
  });

  test("--cgroup-parent is a path from the root, made when it is not there", async () => {
    const id = await ok("run", "-d", "--cgroup-parent=/tug/deep/er", "busybox", "sleep", "600");
    const pid = await ok("inspect", "-f", "{{.State.Pid}}", id);
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toBe(`0::/tug/deep/er/${id}\n`);
    await ok("rm", "-f", id);
    expect(existsSync(`${TREE}/tug/deep/er/${id}`)).toBe(false);
  });

  test("a parent that holds processes is refused", async () => {
    const result = await docker("run", "--rm", "--cgroup-parent=/system.slice/ssh.service", "busybox", "true");
    expect(result.code).toBe(125);
    expect(result.stderr).toContain("/system.slice/ssh.service");
    expect(result.stderr).toContain("busy");
  });

  test("what a container left running in a cgroup of its own goes with it", async () => {
    const script =
      "mkdir /sys/fs/cgroup/leaf; sh -c 'echo 0 >/sys/fs/cgroup/leaf/cgroup.procs; exec setsid sleep 600' & sleep 1; exit 0";
    const id = await ok("create", "--privileged", "busybox", "sh", "-c", script);
    await ok("start", "-a", id);
    expect(existsSync(`${TREE}/tug/${id}`)).toBe(false);
    await ok("rm", id);
  });
});
