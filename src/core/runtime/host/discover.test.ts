import { expect, test } from "bun:test";
import { fakeReader } from "../_fixtures.ts";
import { discoverHost } from "./discover.ts";

const BASICS = { machine: "x86_64", kernelRelease: "6.18.44-fc-v595" };
const STATUS = "Name:\tx\nCapEff:\t000001fffeffffff\nSeccomp:\t0\n";

function mountinfo(lines: readonly string[]): string {
  return lines.map((line, index) => `${30 + index} 20 0:${index} / ${line}\n`).join("");
}

const common = { "/proc/self/status": STATUS, "/sys/devices/system/cpu/online": "0-3,8\n" };

test("discoverHost() finds the controllers of a hybrid machine", () => {
  const reader = fakeReader({
    ...common,
    "/proc/self/mountinfo": mountinfo([
      "/ rw - ext4 /dev/sda rw",
      "/sys/fs/cgroup/cpu,cpuacct rw,relatime shared:3 - cgroup cgroup rw,cpu,cpuacct",
      "/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
      "/sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/agent,name=systemd",
      "/sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
      "/other/memory rw - cgroup cgroup rw,memory",
    ]),
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "",
  });
  const host = discoverHost(reader, BASICS);
  expect(host).toMatchObject({ kernel: { major: 6, minor: 18 }, cpus: 5, seccomp: true, capabilities: 0x1fffeffffffn });
  expect(host.cgroups).toMatchObject({
    mode: "hybrid",
    v1: {
      cpu: "/sys/fs/cgroup/cpu,cpuacct",
      cpuacct: "/sys/fs/cgroup/cpu,cpuacct",
      memory: "/sys/fs/cgroup/memory",
      "name=systemd": "/sys/fs/cgroup/systemd",
    },
    unified: "/sys/fs/cgroup/unified",
    limits: { memory: true, swap: false, cpuQuota: true, pids: false },
  });
});

test("discoverHost() finds a machine with one tree, AppArmor and thermal counters", () => {
  const reader = fakeReader({
    ...common,
    "/proc/self/mountinfo": mountinfo(["/sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate"]),
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "/proc/self/cgroup": "0::/system.slice/tug.service\n",
    "/sys/fs/cgroup/system.slice/tug.service/cgroup.controllers": "cpu memory pids\n",
    "/sys/fs/cgroup/system.slice/tug.service/memory.max": "max\n",
    "/sys/fs/cgroup/system.slice/tug.service/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/cpuset.cpus.effective": "0-2\n",
    "/sys/module/apparmor/parameters/enabled": "Y\n",
    "/sys/kernel/security/apparmor/profiles": "man_filter (enforce)\ndocker-default (enforce)\n",
    "/sys/devices/system/cpu/cpu0/thermal_throttle/count": "0",
    "/sys/devices/system/cpu/cpu1/online": "1",
    "/proc/self/limits":
      "Max processes             127326               127326               processes\nMax open files            1048576              1048577              files\n",
  });
  const host = discoverHost(reader, BASICS);
  expect(host.cgroups).toMatchObject({
    mode: "v2",
    unified: "/sys/fs/cgroup",
    controllers: ["cpuset", "cpu", "io", "memory", "pids"],
    limits: { memory: true, swap: false, cpuQuota: true, pids: true, swappiness: false, blkioWeight: true },
  });
  expect(host).toMatchObject({
    cpusetCpus: "0-2",
    apparmorDefault: "docker-default",
    openFiles: 1048577,
    extraMaskedPaths: ["/sys/devices/system/cpu/cpu0/thermal_throttle"],
  });
});

test("discoverHost() says what is missing", () => {
  expect(() => discoverHost(fakeReader(common), BASICS)).toThrow("no cgroup filesystem is mounted");
  expect(() => discoverHost(fakeReader(common), { ...BASICS, machine: "mips" })).toThrow(
    'architecture "mips" is not supported',
  );
});
