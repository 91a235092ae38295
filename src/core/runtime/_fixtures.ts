/** Machines and requests for this module's tests. */
import type { ContainerConfig, HostConfig } from "#api/engine";
import type { RootMounts } from "#core/snapshots";
import type { HostNode, HostReader } from "./host/reader.ts";
import type { PlanInput, SpecInput } from "./runtime.ts";
import { buildSpec } from "./spec/build.ts";
import type { HostFacts, LimitFacts } from "./types.ts";

const ALL_LIMITS: LimitFacts = {
  memory: true,
  swap: true,
  memoryReservation: true,
  swappiness: true,
  oomKillDisable: true,
  kernelMemoryTCP: true,
  cpuShares: true,
  cpuQuota: true,
  cpuRealtime: true,
  cpuset: true,
  pids: true,
  blkioWeight: true,
  blkioWeightDevice: true,
  blkioThrottle: true,
};

/** A machine with a tree for each controller and one for v2, two CPUs, without CAP_SYS_RESOURCE. */
export const hybridHost: HostFacts = {
  architecture: "x86_64",
  kernel: { major: 6, minor: 18 },
  cgroups: {
    mode: "hybrid",
    v1: {
      cpu: "/sys/fs/cgroup/cpu,cpuacct",
      cpuacct: "/sys/fs/cgroup/cpu,cpuacct",
      cpuset: "/sys/fs/cgroup/cpuset",
      memory: "/sys/fs/cgroup/memory",
      devices: "/sys/fs/cgroup/devices",
      pids: "/sys/fs/cgroup/pids",
      blkio: "/sys/fs/cgroup/blkio",
      "name=systemd": "/sys/fs/cgroup/systemd",
    },
    unified: "/sys/fs/cgroup/unified",
    controllers: [],
    limits: ALL_LIMITS,
  },
  apparmor: false,
  apparmorDefault: "",
  seccomp: true,
  cpus: 2,
  cpusetCpus: "0-1",
  cpusetMems: "0",
  capabilities: 0x1fffeffffffn,
  openFiles: 524288,
  extraMaskedPaths: [],
};

/** A machine with one tree, AppArmor and a profile for containers. */
export const unifiedHost: HostFacts = {
  ...hybridHost,
  cgroups: {
    mode: "v2",
    v1: {},
    unified: "/sys/fs/cgroup",
    controllers: ["cpuset", "cpu", "io", "memory", "pids"],
    limits: { ...ALL_LIMITS, swappiness: false, oomKillDisable: false, kernelMemoryTCP: false, cpuRealtime: false },
  },
  apparmor: true,
  apparmorDefault: "docker-default",
  extraMaskedPaths: ["/sys/devices/system/cpu/cpu0/thermal_throttle"],
};

const DIRECTORY: HostNode = { kind: "directory", major: 0, minor: 0, mode: 0o755, uid: 0, gid: 0 };

export function device(kind: "char" | "block", major: number, minor: number, mode = 0o600): HostNode {
  return { kind, major, minor, mode, uid: 0, gid: 0 };
}

/** A machine's files: text for files, nodes for devices; directories follow from the paths. */
export function fakeReader(entries: Readonly<Record<string, string | HostNode>>): HostReader {
  const paths = Object.keys(entries);
  const below = (directory: string) => {
    const prefix = directory === "/" ? "/" : `${directory}/`;
    return paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  };
  return {
    readText: (path) => {
      const entry = entries[path];
      return typeof entry === "string" ? entry : undefined;
    },
    list: (path) => [...new Set(below(path).map((rest) => rest.split("/", 1)[0] ?? ""))].sort(),
    stat: (path) => {
      const entry = entries[path];
      if (typeof entry === "string") return { ...DIRECTORY, kind: "file", mode: 0o644 };
      return entry ?? (below(path).length > 0 ? DIRECTORY : undefined);
    },
    isLink: () => false,
  };
}

export const hostFiles = fakeReader({
  "/proc/kcore": "",
  "/proc/self/mountinfo": "1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n2 1 8:2 / /private rw - ext4 /dev/sda2 rw\n",
  "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-1\n",
  "/sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
  "/run/files/hosts": "",
  "/srv/data/file": "",
  "/private/file": "",
  "/dev/null": device("char", 1, 3, 0o666),
  "/dev/console": device("char", 5, 1),
  "/dev/fuse": device("char", 10, 229),
  "/dev/net/tun": device("char", 10, 200),
  "/dev/pts/0": device("char", 136, 0),
  "/dev/sda": device("block", 8, 0, 0o660),
});

/** What `buildSpec` gets for a request, with the values a container module would fill in. */
export function specInput(
  request: { config?: ContainerConfig; hostConfig?: HostConfig; argv?: string[]; join?: SpecInput["join"] } = {},
  host: HostFacts = hybridHost,
): SpecInput {
  return {
    id: "0123456789abcdef",
    config: { Hostname: "0123456789ab", ...request.config },
    hostConfig: request.hostConfig ?? {},
    environment: [],
    images: new Map(),
    argv: request.argv ?? ["sleep", "100"],
    user: { uid: 0, gid: 0, groups: [], home: "/root" },
    rootPath: "/run/root",
    files: { resolvConf: "/run/files/resolv.conf", hostname: "/run/files/hostname", hosts: "/run/files/hosts" },
    shmPath: "/run/shm",
    cgroupsPath: "/tug/0123456789abcdef",
    join: request.join ?? {},
    host,
    reader: hostFiles,
  };
}

export const overlayRoot: RootMounts = {
  shared: [
    { type: "erofs", source: "/data/image.erofs", target: "/run/images/1", options: ["device=/data/layer.tar"] },
  ],
  own: [
    {
      type: "overlay",
      source: "overlay",
      target: "/run/root",
      options: ["lowerdir=/run/images/1", "upperdir=/data/1/upper", "workdir=/data/1/work"],
    },
  ],
  path: "/run/root",
};

/** What `compilePlan` gets for the same request. */
export function planInput(request: Parameters<typeof specInput>[0] = {}, host: HostFacts = hybridHost): PlanInput {
  const init = request.hostConfig?.Init === true;
  return {
    spec: buildSpec(specInput(request, host)),
    root: overlayRoot,
    hostMounts: [],
    init,
    host,
    reader: hostFiles,
  };
}
