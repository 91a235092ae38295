/** What a container gets when nobody asks for anything: Docker 28's defaults (moby oci/defaults.go, oci/caps/defaults.go). */
import type { DeviceRule, SpecMount } from "#api/oci";
import type { HostFacts } from "../types.ts";

export const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;

/** The soft limit of the kernel and of systemd: select(2) cannot count further, and programs may raise it. */
export const DEFAULT_OPEN_FILES = 1024;

export const DEFAULT_CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

const MASKED_PATHS = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** What of /proc and /sys a container does not see, and what it cannot write to. */
export function hiddenPaths({ extraMaskedPaths }: Pick<HostFacts, "extraMaskedPaths">): {
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
} {
  return { maskedPaths: [...MASKED_PATHS, ...extraMaskedPaths], readonlyPaths: READONLY_PATHS };
}

/** Safe because a network namespace of its own holds nobody else's ports and sockets. */
export const NETWORK_SYSCTLS = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};

/** /dev/shm is not among them: it depends on the IPC mode. */
export function defaultMounts(options: { privileged: boolean; writableCgroups: boolean }): SpecMount[] {
  const ro = options.privileged ? [] : ["ro"];
  const cgroupRo = options.writableCgroups ? [] : ["ro"];
  const quiet = ["nosuid", "noexec", "nodev"];
  return [
    { destination: "/proc", type: "proc", source: "proc", options: quiet },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: [...quiet, ...ro] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...cgroupRo, ...quiet] },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: quiet },
  ];
}

/** Nothing but null, zero, full-free memory devices and terminals; never fuse, which would serve filesystems to the host. */
export const DEVICE_RULES: readonly DeviceRule[] = [
  { allow: false, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 9, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 8, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 1, access: "rwm" },
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
];
