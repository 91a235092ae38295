import { expect, test } from "bun:test";
import type { HostConfig } from "#api/engine";
import { isKind } from "#lib/errors";
import { hostFiles, hybridHost, unifiedHost } from "../_fixtures.ts";
import type { HostFacts } from "../types.ts";
import { validateHostConfig } from "./host-config.ts";

const MIB = 1024 * 1024;

function validate(hostConfig: object, host: HostFacts = hybridHost): void {
  validateHostConfig(hostConfig as HostConfig, { host, reader: hostFiles });
}

/** Requests and what dockerd 28.5 answered to them; the last ones are our own words, where it says nothing or fails late. */
const REFUSED: readonly (readonly [hostConfig: object, message: string])[] = [
  [{ Memory: MIB }, "Minimum memory limit allowed is 6MB"],
  [{ Memory: -5 }, "Minimum memory limit allowed is 6MB"],
  [{ MemorySwap: 10 * MIB }, "You should always set the Memory limit when using Memoryswap limit, see usage"],
  [{ Memory: 10 * MIB, MemorySwap: 5 * MIB }, "Minimum memoryswap limit should be larger than memory limit, see usage"],
  [{ MemoryReservation: 1000 }, "Minimum memory reservation allowed is 6MB"],
  [
    { Memory: 10 * MIB, MemoryReservation: 20 * MIB },
    "Minimum memory limit can not be less than memory reservation limit, see usage",
  ],
  [{ MemorySwappiness: 200 }, "Invalid value: 200, valid memory swappiness range is 0-100"],
  [{ NanoCpus: 5e9 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
  [{ NanoCpus: 1e6 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
  [{ NanoCpus: 1e9, CpuQuota: 5000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
  [{ NanoCpus: 1e9, CpuPeriod: 5000 }, "Conflicting options: Nano CPUs and CPU Period cannot both be set"],
  [{ CpuPeriod: 10 }, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"],
  [{ CpuQuota: 10 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
  [{ CpuShares: -1 }, "invalid CPU shares (-1): value must be a positive integer"],
  [
    { CpuRealtimeRuntime: 100, CpuRealtimePeriod: 50 },
    "cpu real-time runtime cannot be higher than cpu real-time period",
  ],
  [{ CpusetCpus: "99" }, "Requested CPUs are not available - requested 99, available: 0-1"],
  [{ CpusetCpus: "x" }, "Invalid value x for cpuset cpus: invalid format: x"],
  [{ CpusetMems: "9" }, "Requested memory nodes are not available - requested 9, available: 0"],
  [{ OomScoreAdj: 2000 }, "Invalid value 2000, range for oom score adj is [-1000, 1000]"],
  [{ ShmSize: -1 }, "SHM size can not be less than 0"],
  [{ IpcMode: "foo" }, "invalid IPC mode: foo"],
  [{ PidMode: "private" }, "invalid PID mode: private"],
  [{ UTSMode: "foo" }, "invalid UTS mode: foo"],
  [{ CgroupnsMode: "foo" }, "invalid cgroup namespace mode: foo"],
  [{ NetworkMode: "container:" }, "invalid network mode: invalid container format container:<name|id>"],
  [{ CapAdd: ["FOO"] }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
  [{ CapDrop: [" x"] }, 'invalid CapDrop: unknown capability: "CAP_ X"'],
  [{ SecurityOpt: ["foo"] }, 'invalid --security-opt 1: "foo"'],
  [{ SecurityOpt: ["foo=bar"] }, 'invalid --security-opt 2: "foo=bar"'],
  [{ SecurityOpt: ["no-new-privileges:foo"] }, 'invalid --security-opt 2: "no-new-privileges:foo"'],
  [{ SecurityOpt: ["seccomp={bad"] }, "Decoding seccomp profile failed: "],
  [
    { Devices: [{ PathOnHost: "/nope" }] },
    'error gathering device information while adding custom device "/nope": no such file or directory',
  ],
  [
    { Devices: [{ PathOnHost: "/srv/data/file" }] },
    'error gathering device information while adding custom device "/srv/data/file": not a device node',
  ],
  [{ DeviceCgroupRules: ["foo"] }, "invalid device cgroup rule format: 'foo'"],
  [{ Sysctls: { foo: "1" } }, 'sysctl "foo" is not in a separate kernel namespace'],
  [
    { Sysctls: { "kernel.hostname": "1" } },
    'sysctl "kernel.hostname" is not allowed as it conflicts with the OCI "hostname" field',
  ],
  [
    { Sysctls: { "kernel.shmmax": "1" }, IpcMode: "host" },
    'sysctl "kernel.shmmax" is not allowed in the hosts ipc namespace',
  ],
  [
    { Sysctls: { "net.core.somaxconn": "1" }, NetworkMode: "host" },
    'sysctl "net.core.somaxconn" not allowed in host network namespace',
  ],
  [{ Annotations: { "": "x" } }, "invalid Annotations: the empty string is not permitted as an annotation key"],
  [{ Isolation: "hyperv" }, "invalid isolation (hyperv): linux only supports 'default'"],
  [
    { DeviceRequests: [{ Driver: "nv", Capabilities: [["a", "b"], ["c"]] }] },
    'could not select device driver "nv" with capabilities: [[a b] [c]]',
  ],
  [{ CpuShares: 1 }, "the minimum allowed cpu-shares is 2"],
  [{ BlkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
  [{ BlkioDeviceReadBps: [{ Path: "/dev/null", Rate: 5 }] }, 'block device "/dev/null": not a block device'],
  [{ Ulimits: [{ Name: "foo", Soft: 1, Hard: 1 }] }, "invalid ulimit type: foo"],
  [
    { Ulimits: [{ Name: "nofile", Soft: 5, Hard: 1 }] },
    "ulimit soft limit must be less than or equal to hard limit: 5 > 1",
  ],
  [{ UsernsMode: "private" }, "invalid user namespace mode: private"],
  [{ SecurityOpt: ["apparmor=x"] }, 'security option "apparmor=x": AppArmor is not enabled on this host'],
  [{ SecurityOpt: ["writable-cgroups=x"] }, 'invalid --security-opt 2: "writable-cgroups=x"'],
  [{ SecurityOpt: ["seccomp={}"] }, "Decoding seccomp profile failed: action undefined does not exist"],
  [{ Sysctls: { "net.ipv4.../../kernel.x": "1" } }, "is not a valid name"],
  [{ Devices: [{ PathOnHost: "/dev/null", CgroupPermissions: "q" }] }, 'invalid permissions "q"'],
  [{ Memory: 1e300 }, "invalid value 1e+300 for Memory"],
  [{ IOMaximumBandwidth: 5 }, "invalid option: QoS maximum bandwidth configuration is not supported on linux"],
  [{ IOMaximumIOps: 5 }, "invalid option: QoS maximum IOPs configuration is not supported on linux"],
  [{ StorageOpt: { size: "1G" } }, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"],
  [{ StorageOpt: { inodes: "1" } }, "Unknown option inodes"],
];

test.each(REFUSED.map(([hostConfig, message]) => ({ hostConfig, message })))(
  "validateHostConfig() refuses: $message",
  ({ hostConfig, message }) => {
    let thrown: unknown;
    try {
      validate(hostConfig);
    } catch (error) {
      thrown = error;
    }
    expect(isKind(thrown, "invalid-parameter")).toBe(true);
    expect(String(thrown)).toContain(message);
  },
);

test("validateHostConfig() accepts everything that can act", () => {
  const hostConfig = {
    Memory: 64 * MIB,
    MemorySwap: -1,
    NanoCpus: 1.5e9,
    CpusetCpus: "0-1",
    PidsLimit: -1,
    BlkioWeight: 300,
    BlkioDeviceReadBps: [{ Path: "/dev/sda", Rate: 1024 }],
    Ulimits: [{ Name: "nofile", Soft: 1024, Hard: -1 }],
    Sysctls: { "net.ipv4.ip_forward": "1", "fs.mqueue.msg_max": "5", "net/ipv4/conf/eth0.1/forwarding": "1" },
    KernelMemoryTCP: 8 * MIB,
    CpuCount: 2,
    MaskedPaths: ["proc"],
    SecurityOpt: [
      "no-new-privileges",
      "label=disable",
      "label=level:s0",
      "writable-cgroups",
      "seccomp=unconfined",
      "apparmor=unconfined",
    ],
    Binds: null,
    CapAdd: ["all"],
    Devices: [{ PathOnHost: "/dev/net", CgroupPermissions: "rw" }],
    DeviceCgroupRules: ["c 42:* rmw"],
    UsernsMode: "host",
    IpcMode: "shareable",
    MemorySwappiness: null,
  };
  expect(() => validate(hostConfig)).not.toThrow();
});

test("validateHostConfig() refuses real-time limits on kernels without them", () => {
  expect(() => validate({ CpuRealtimeRuntime: 50 }, unifiedHost)).toThrow(
    "kernel does not support CPU real-time scheduler",
  );
});

test("validateHostConfig() refuses fractions of CPUs on kernels that cannot give them", () => {
  const { cgroups } = hybridHost;
  const host = { ...hybridHost, cgroups: { ...cgroups, limits: { ...cgroups.limits, cpuQuota: false } } };
  expect(() => validate({ NanoCpus: 1e9 }, host)).toThrow("NanoCPUs can not be set, as your kernel does not support");
});
