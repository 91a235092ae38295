import { describe, expect, test } from "bun:test";
import type { SpecResources } from "#api/oci";
import type { BeforeOp } from "#executor";
import { fakeReader, hostFiles, hybridHost, unifiedHost } from "../_fixtures.ts";
import { cgroupPlan } from "./cgroup-plan.ts";
import { cgroupsPath, oomPath } from "./paths.ts";
import { cpuWeight } from "./v2.ts";

/** Files and values; the device rules that every container has are left out. */
function writes(ops: readonly BeforeOp[]): string[] {
  return ops.flatMap((op) => (op.op === "write" && !op.path.includes("/devices.") ? [`${op.path} ${op.data}`] : []));
}

function plan(resources: SpecResources, { cgroups } = hybridHost, reader = hostFiles) {
  return cgroupPlan({ path: "/tug/x", resources, cgroups, reader });
}

const FULL: SpecResources = {
  memory: { limit: 64, reservation: 32, swap: 128, swappiness: 10, disableOOMKiller: true },
  cpu: { shares: 512, quota: 150_000, period: 100_000, cpus: "0", mems: "0" },
  pids: { limit: 100 },
  blockIO: { weight: 300, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1024 }] },
  hugepageLimits: [{ pageSize: "2MB", limit: 4 }],
};

describe("cgroupPlan() on v1", () => {
  test("writes each limit to the directory of its controller, memory before swap and period before quota", () => {
    expect(writes(plan(FULL).before).filter((line) => !line.includes("/tug/cpuset."))).toEqual([
      "/sys/fs/cgroup/cpu,cpuacct/tug/x/cpu.shares 512",
      "/sys/fs/cgroup/cpu,cpuacct/tug/x/cpu.cfs_period_us 100000",
      "/sys/fs/cgroup/cpu,cpuacct/tug/x/cpu.cfs_quota_us 150000",
      "/sys/fs/cgroup/cpuset/tug/x/cpuset.cpus 0-1",
      "/sys/fs/cgroup/cpuset/tug/x/cpuset.mems 0",
      "/sys/fs/cgroup/cpuset/tug/x/cpuset.cpus 0",
      "/sys/fs/cgroup/cpuset/tug/x/cpuset.mems 0",
      "/sys/fs/cgroup/memory/tug/x/memory.limit_in_bytes 64",
      "/sys/fs/cgroup/memory/tug/x/memory.memsw.limit_in_bytes 128",
      "/sys/fs/cgroup/memory/tug/x/memory.soft_limit_in_bytes 32",
      "/sys/fs/cgroup/memory/tug/x/memory.swappiness 10",
      "/sys/fs/cgroup/memory/tug/x/memory.oom_control 1",
      "/sys/fs/cgroup/pids/tug/x/pids.max 100",
      "/sys/fs/cgroup/blkio/tug/x/blkio.weight 300",
      "/sys/fs/cgroup/blkio/tug/x/blkio.throttle.read_bps_device 8:0 1024",
    ]);
  });

  test("seeds empty cpusets from the nearest level that has CPUs, and leaves others alone", () => {
    const reader = fakeReader({
      "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-7\n",
      "/sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
      "/sys/fs/cgroup/cpuset/tug/cpuset.cpus": "2-3\n",
      "/sys/fs/cgroup/cpuset/tug/cpuset.mems": "\n",
    });
    expect(writes(plan({}, hybridHost, reader).before)).toEqual([
      "/sys/fs/cgroup/cpuset/tug/cpuset.mems 0",
      "/sys/fs/cgroup/cpuset/tug/x/cpuset.cpus 2-3",
      "/sys/fs/cgroup/cpuset/tug/x/cpuset.mems 0",
    ]);
  });

  test("joins every hierarchy once, the named and the unified one too", () => {
    expect(plan({}).join).toEqual({
      cgroup: "/sys/fs/cgroup/unified/tug/x",
      cgroupTasks: ["cpu,cpuacct", "cpuset", "memory", "devices", "pids", "blkio", "systemd"].map(
        (name) => `/sys/fs/cgroup/${name}/tug/x/tasks`,
      ),
    });
  });

  test("kills once and removes every directory", () => {
    const { after } = plan({});
    expect(after.filter((op) => op.op === "kill-cgroup")).toEqual([
      { op: "kill-cgroup", path: "/sys/fs/cgroup/unified/tug/x" },
    ]);
    expect(after.filter((op) => op.op === "remove")).toHaveLength(8);
  });

  test("translates device rules, old wildcards too, and adds what no container lives without", () => {
    const devices = [
      { allow: false, access: "rwm" },
      { allow: true, type: "c" as const, major: 42, minor: -1, access: "rm" },
    ];
    const written = plan({ devices }).before.flatMap((op) =>
      op.op === "write" && op.path.includes("/devices.") ? [`${op.path.split("/").at(-1)} ${op.data}`] : [],
    );
    expect(written).toEqual([
      "devices.deny a",
      "devices.allow c 42:* rm",
      "devices.allow c *:* m",
      "devices.allow b *:* m",
      ...["1:3", "1:8", "1:7", "5:0", "1:5", "1:9", "136:*", "5:2", "10:200"].map(
        (numbers) => `devices.allow c ${numbers} rwm`,
      ),
    ]);
  });
});

describe("cgroupPlan() on v2", () => {
  test("switches controllers on down to the parent, and writes limits in v2's terms", () => {
    const { before, join } = plan({ ...FULL, devices: [{ allow: false }] }, unifiedHost);
    expect(writes(before)).toEqual([
      "/sys/fs/cgroup/cgroup.subtree_control +cpuset +cpu +io +memory +pids",
      "/sys/fs/cgroup/tug/cgroup.subtree_control +cpuset +cpu +io +memory +pids",
      "/sys/fs/cgroup/tug/x/memory.max 64",
      "/sys/fs/cgroup/tug/x/memory.swap.max 64",
      "/sys/fs/cgroup/tug/x/memory.low 32",
      "/sys/fs/cgroup/tug/x/cpu.weight 59",
      "/sys/fs/cgroup/tug/x/cpu.max 150000 100000",
      "/sys/fs/cgroup/tug/x/cpuset.cpus 0",
      "/sys/fs/cgroup/tug/x/cpuset.mems 0",
      "/sys/fs/cgroup/tug/x/pids.max 100",
      "/sys/fs/cgroup/tug/x/io.weight 2930",
      "/sys/fs/cgroup/tug/x/io.max 8:0 rbps=1024",
      "/sys/fs/cgroup/tug/x/hugetlb.2MB.max 4",
    ]);
    expect(before.at(-1)?.op).toBe("cgroup-devices");
    expect(join).toEqual({ cgroup: "/sys/fs/cgroup/tug/x", cgroupTasks: [] });
  });

  test("writes a quota alone with the kernel's period, unlimited swap as max, and files of `unified` last", () => {
    const resources = { memory: { limit: 64, swap: -1 }, cpu: { quota: 5000 }, unified: { "memory.high": "32" } };
    expect(writes(plan(resources, unifiedHost).before).slice(2)).toEqual([
      "/sys/fs/cgroup/tug/x/memory.max 64",
      "/sys/fs/cgroup/tug/x/memory.swap.max max",
      "/sys/fs/cgroup/tug/x/cpu.max 5000 100000",
      "/sys/fs/cgroup/tug/x/memory.high 32",
    ]);
  });

  test("refuses files that lie elsewhere, and swap limits that cannot be", () => {
    expect(() => plan({ unified: { "../memory.max": "1" } }, unifiedHost)).toThrow("is not a cgroup file");
    expect(() => plan({ memory: { swap: 5 } }, unifiedHost)).toThrow("needs a limit on memory");
    expect(() => plan({ memory: { swap: 5, limit: 6 } }, unifiedHost)).toThrow("below the limit on memory");
  });
});

test("cpuWeight() keeps the ends and the middle of both scales", () => {
  expect([2, 1024, 262_144].map(cpuWeight)).toEqual([1, 100, 10_000]);
});

test("cgroupsPath() cannot be led out of the hierarchies", () => {
  expect(cgroupsPath({ parent: "/a/../../b", id: "x" })).toBe("/b/x");
  expect(cgroupsPath({ parent: "foo", id: "x" })).toBe("/foo/x");
  expect(() => cgroupPlan({ path: "/..", resources: {}, cgroups: hybridHost.cgroups, reader: hostFiles })).toThrow(
    "invalid cgroups path",
  );
});

test("oomPath() names the file of the host's kind", () => {
  expect(oomPath("/tug/x", hybridHost.cgroups)).toBe("/sys/fs/cgroup/memory/tug/x/memory.oom_control");
  expect(oomPath("/tug/x", unifiedHost.cgroups)).toBe("/sys/fs/cgroup/tug/x/memory.events");
});
