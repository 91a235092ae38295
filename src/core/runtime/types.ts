/** What the compiler has to know of the machine; found out once at start by `discoverHost`. */
export interface HostFacts {
  readonly architecture: Architecture;
  readonly kernel: { readonly major: number; readonly minor: number };
  readonly cgroups: CgroupFacts;
  readonly apparmor: boolean;
  /** AppArmor profile of containers that name none; empty: none is loaded. */
  readonly apparmorDefault: string;
  readonly seccomp: boolean;
  readonly cpus: number;
  /** CPUs and memory nodes that containers may use, as the kernel lists them: `0-3,8`. */
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  /** All capabilities that the daemon has itself, by bit. */
  readonly capabilities: bigint;
  /** How many files a process may open at most when nobody says otherwise: the daemon's own hard limit. */
  readonly openFiles: number;
  /** Files below /sys and /proc that Docker masks per machine (thermal_throttle …). */
  readonly extraMaskedPaths: readonly string[];
}

export type Architecture = "x86_64" | "aarch64";

/** `v2`: one tree at `unified`. `v1` and `hybrid`: a mount for each controller, and in `hybrid` a v2 tree without controllers. */
export interface CgroupFacts {
  readonly mode: "v1" | "hybrid" | "v2";
  /** v1: controller → mount point (`memory` → `/sys/fs/cgroup/memory`), the daemon's own cgroup path in it left out; named hierarchies as `name=systemd`. */
  readonly v1: Readonly<Record<string, string>>;
  /** Mount point of the v2 tree; empty if there is none. */
  readonly unified: string;
  /** v2: controllers that can be enabled below the engine's parent. */
  readonly controllers: readonly string[];
  readonly limits: LimitFacts;
}

/** Which limits this kernel can enforce: whether the cgroup file behind each exists. */
export interface LimitFacts {
  readonly memory: boolean;
  readonly swap: boolean;
  readonly memoryReservation: boolean;
  readonly swappiness: boolean;
  readonly oomKillDisable: boolean;
  /** v1 only. */
  readonly kernelMemoryTCP: boolean;
  readonly cpuShares: boolean;
  readonly cpuQuota: boolean;
  readonly cpuRealtime: boolean;
  readonly cpuset: boolean;
  readonly pids: boolean;
  readonly blkioWeight: boolean;
  readonly blkioWeightDevice: boolean;
  readonly blkioThrottle: boolean;
}

/** A user as the container's own /etc/passwd and /etc/group say. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** For HOME, when the environment has none. */
  readonly home: string;
}

/** What an exec runs, where and as whom. */
export interface ExecOptions {
  readonly argv: readonly string[];
  /** Whole environment. */
  readonly env: readonly string[];
  readonly user: ResolvedUser;
  readonly cwd: string;
  readonly tty: boolean;
  readonly privileged: boolean;
}
