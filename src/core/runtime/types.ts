/** What the compiler has to know of the machine; found out once at start by the daemon. */
export interface HostFacts {
  readonly architecture: "x86_64" | "aarch64";
  readonly kernel: { readonly major: number; readonly minor: number };
  /** `v2`: one tree at `mounts.unified`. `v1` and `hybrid`: a mount for each controller. */
  readonly cgroups: CgroupFacts;
  readonly apparmor: boolean;
  readonly seccomp: boolean;
  readonly cpus: number;
  /** All capabilities that the daemon has itself, by bit. */
  readonly capabilities: bigint;
  /** Files below /sys and /proc that Docker masks per machine (thermal_throttle …). */
  readonly extraMaskedPaths: readonly string[];
}

export interface CgroupFacts {
  readonly mode: "v1" | "hybrid" | "v2";
  /** v1: controller → mount point (`memory` → `/sys/fs/cgroup/memory`), the daemon's own cgroup path in it left out; named hierarchies as `name=systemd`. */
  readonly v1: Readonly<Record<string, string>>;
  /** Mount point of the v2 tree; empty if there is none. */
  readonly unified: string;
  /** v2: controllers that can be enabled below the engine's parent. */
  readonly controllers: readonly string[];
}

/** A user as the container's own /etc/passwd and /etc/group say. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** For HOME, when the environment has none. */
  readonly home: string;
}

export interface ExecOptions {
  readonly argv: readonly string[];
  /** Whole environment. */
  readonly env: readonly string[];
  readonly user: ResolvedUser;
  readonly cwd: string;
  readonly tty: boolean;
  readonly privileged: boolean;
}
