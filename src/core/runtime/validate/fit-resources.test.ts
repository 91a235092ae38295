import { expect, test } from "bun:test";
import type { Resources } from "#api/engine";
import { hybridHost, unifiedHost } from "../_fixtures.ts";
import type { LimitFacts } from "../types.ts";
import { fitResources } from "./fit-resources.ts";

const MIB = 1024 * 1024;
const ALL = hybridHost.cgroups.limits;
const NONE = Object.fromEntries(Object.keys(ALL).map((name) => [name, false])) as unknown as LimitFacts;

test("fitResources() keeps what can act", () => {
  const resources = { Memory: 64 * MIB, MemorySwap: 128 * MIB, MemorySwappiness: 0, BlkioWeight: 300, PidsLimit: 5 };
  expect(fitResources(resources, ALL)).toEqual({ resources, warnings: [] });
});

/** What a kernel without any limit drops, what it leaves, and the words. */
const DROPPED: readonly (readonly [asked: Resources, left: Resources, warning: string])[] = [
  [{ Memory: 64 * MIB, MemorySwap: 128 * MIB }, { MemorySwap: -1 }, "memory limit capabilities"],
  [{ MemorySwappiness: 5 }, {}, "memory swappiness capabilities"],
  [{ MemoryReservation: 64 * MIB }, {}, "memory soft limit capabilities"],
  [{ KernelMemoryTCP: 64 * MIB }, {}, "kernel memory TCP limit capabilities"],
  [{ OomKillDisable: true }, {}, "OomKillDisable. OomKillDisable discarded."],
  [{ PidsLimit: 5 }, {}, "PIDs limit capabilities"],
  [{ CpuShares: 5 }, {}, "CPU shares"],
  [{ CpuQuota: 5000, CpuPeriod: 5000 }, {}, "CPU CFS scheduler"],
  [{ CpusetCpus: "0" }, {}, "cpuset"],
  [{ BlkioWeight: 5 }, {}, "Block I/O weight"],
  [{ BlkioWeightDevice: [{ Path: "/x", Weight: 5 }] }, { BlkioWeightDevice: [] }, "Block I/O weight_device"],
  [{ BlkioDeviceReadBps: [{ Path: "/x", Rate: 5 }] }, { BlkioDeviceReadBps: [] }, "BPS Block I/O read limit"],
  [{ BlkioDeviceWriteIOps: [{ Path: "/x", Rate: 5 }] }, { BlkioDeviceWriteIOps: [] }, "IOPS Block write limit"],
];

test.each(DROPPED.map(([asked, left, warning]) => ({ asked, left, warning })))(
  "fitResources() drops with a warning: $warning",
  ({ asked, left, warning }) => {
    const { resources, warnings } = fitResources({ ...asked, CpuCount: 2 }, NONE);
    expect(resources).toEqual({ ...left, CpuCount: 2 });
    expect(warnings).toEqual([expect.stringContaining(`Your kernel does not support ${warning}`)]);
  },
);

test("fitResources() warns of nothing that was not asked", () => {
  const resources = { Memory: 0, MemorySwappiness: -1, PidsLimit: -1, OomKillDisable: false, BlkioDeviceReadBps: [] };
  expect(fitResources(resources, NONE)).toEqual({ resources, warnings: [] });
});

test("fitResources() leaves memory without swap accounting unlimited in swap", () => {
  expect(fitResources({ Memory: 64 * MIB, MemorySwap: 128 * MIB }, { ...ALL, swap: false })).toEqual({
    resources: { Memory: 64 * MIB, MemorySwap: -1 },
    warnings: [
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    ],
  });
});

test("fitResources() drops what only Windows has", () => {
  expect(fitResources<Resources>({ CpuPercent: 5 }, ALL)).toEqual({
    resources: {},
    warnings: ["linux does not support CPU percent. Percent discarded."],
  });
});

test("fitResources() warns of a container that the kernel cannot end for its memory", () => {
  expect(fitResources({ OomKillDisable: true }, ALL).warnings).toEqual([
    "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
  ]);
  expect(fitResources({ OomKillDisable: true, Memory: 64 * MIB }, ALL).warnings).toEqual([]);
  expect(fitResources({ OomKillDisable: true }, unifiedHost.cgroups.limits).warnings).toEqual([
    "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  ]);
});
