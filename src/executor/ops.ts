/**
 * The ops: everything that the executor can be told to do. TypeScript decides, the executor does; an op is
 * one kernel interaction, or a few that belong together, with every value already worked out.
 *
 * A **host plan** is a plain list of ops, run by `tug-exec serve` in a process of its own. A **process plan**
 * starts one process (a container's first, or an exec's) and has four sections:
 *
 *     before   the monitor, before the process exists            (cgroups, host files)
 *     beside   the monitor, after the clone, the child waits     (cgroup join, veth, nft)
 *     inside   the child, in its new namespaces, up to its exec  (mounts, pivot, sysctls, limits, credentials)
 *     after    the monitor, when the process has ended           (cgroup removal, nft elements)
 *
 * Paths are the host's unless they are called `target` or the op says otherwise: a **target** is a path inside
 * the root that `root` opened, and it is always resolved with `openat2(RESOLVE_IN_ROOT)` — by the container's
 * rules, never by the host's. Numbers named `flags` are the kernel's own constants (MS_*, CLONE_*, MOUNT_ATTR_*).
 */

/** A range of user or group ids as `/proc/PID/uid_map` takes it. */
export interface IdMapping {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

export type NamespaceKind = "pid" | "mount" | "network" | "ipc" | "uts" | "cgroup" | "user";

/** Ops that touch files of the host. */
export type FileOp =
  /** Makes a directory; with `parents` the missing ones above it too. One that exists already is fine. */
  | { readonly op: "mkdir"; readonly path: string; readonly mode: number; readonly parents: boolean }
  /** Writes (does not create, unless `mode` is not 0) a file: cgroup files, /proc/sys, runtime files. */
  | { readonly op: "write"; readonly path: string; readonly data: string; readonly mode: number }
  /** Removes a file or an empty directory. Absence is fine. Cgroup directories are retried while EBUSY, for up to `retryMs`. */
  | { readonly op: "remove"; readonly path: string; readonly retryMs: number }
  /** Removes a tree without following links or crossing mounts. Absence is fine. */
  | { readonly op: "remove-tree"; readonly path: string }
  /** Reads a whole file of at most `limitBytes`; the op's result is its bytes. */
  | { readonly op: "read"; readonly path: string; readonly limitBytes: number }
  /**
   * Reads a regular file beneath a root directory that a container may have written (`/proc/PID/root`, a mounted
   * rootfs), resolved by that root's rules. Absence, a directory, a fifo or a device give an empty result.
   */
  | { readonly op: "read-in-root"; readonly root: string; readonly target: string; readonly limitBytes: number }
  /**
   * Makes one object beneath a root directory, with all its attributes: layers are extracted with one of these for each.
   * The directory above exists already, and no link on the way is followed. The object must not exist; a directory may,
   * and then only gets the attributes (its time is set last, when it has been filled).
   */
  | {
      readonly op: "extract";
      readonly root: string;
      /** Bytes, relative to `root`; "." is the root itself. */
      readonly target: Uint8Array;
      /** S_IFMT and permission bits. */
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      /** Of a device, as `makedev` has it for numbers below 2^32: the kernel's `new_encode_dev`. */
      readonly device: number;
      /** Modification time; two's complement before 1970. */
      readonly seconds: bigint;
      readonly nanoseconds: number;
      /** What a symlink holds. */
      readonly linkTo: Uint8Array;
      /** Of a regular file: its size, and the host file from which its pieces are copied; the rest stays a hole. */
      readonly size: bigint;
      readonly source: string;
      /** u64 triples, little-endian: offset in the source, offset in the file, bytes. */
      readonly pieces: Uint8Array;
      /** Names and values in turn: `u32 length, bytes`; after a name a NUL, which the length does not count. */
      readonly xattrs: Uint8Array;
    }
  /** Gives a file that `extract` made a further name beneath the same root. No link on either way is followed. */
  | { readonly op: "extract-link"; readonly root: string; readonly target: Uint8Array; readonly linkTo: Uint8Array }
  /** Writes everything of the filesystem that holds `path` to disk (`syncfs`). */
  | { readonly op: "sync-filesystem"; readonly path: string }
  /**
   * Sends datagrams to a unix socket, in order, each waited for a few seconds at most: JavaScript has no such sockets.
   * `messages` holds `u32 length, bytes`, little-endian, for each.
   */
  | { readonly op: "datagrams"; readonly path: string; readonly messages: Uint8Array };

/** Ops that look at a container's files or change them, in a host plan that opened their root (`root`). */
export type TreeOp =
  /** Connects to the daemon, for the op that streams: `Executor.walk` and `send` put it into their plans. */
  | { readonly op: "connect"; readonly path: string }
  /**
   * Looks at what is there without following a link at the end. The result is `num mode, big size, big seconds,
   * num nanoseconds, text`: of what is there, and where the path leads when links are followed to their end, absolute, whether
   * that exists or not.
   */
  | { readonly op: "resolve"; readonly target: Uint8Array }
  /** Sends a tree as records (`tree.ts`), each entry before what is in it, a directory's in the order of their names. */
  | {
      readonly op: "walk";
      /** A host path instead of the opened root; empty: that. */
      readonly root: string;
      readonly target: Uint8Array;
      /** A tree to compare with, entry by entry: a host path; empty: none. */
      readonly below: string;
      /** The attribute by which a directory says that nothing of the one below shows through it. */
      readonly opaque: string;
      /** Also entries that are below only: in every directory, not just in opaque ones. */
      readonly all: boolean;
      /** Leaves out what is the same below; directories come all the same. */
      readonly changed: boolean;
      /** Of files and symlinks in a directory that is not there below only name and type, which is much quicker. */
      readonly brief: boolean;
      /** With the content of regular files. */
      readonly content: boolean;
      /** Names of extended attributes to send, or what they begin with: `user.` */
      readonly xattrs: readonly string[];
    }
  /** Opens a directory and runs the `place` ops that come over the stream, up to an empty record. */
  | { readonly op: "receive"; readonly target: Uint8Array };

/**
 * Ops that come over the stream of a `receive`. Targets are beneath the directory that it opened, and no link leads out
 * of that. Directories that are missing above are made. What is there is replaced, but a directory by a directory.
 */
export type StreamOp =
  /** Makes an object; the content of a regular file follows right after it: as many bytes as the pieces have together. */
  | {
      readonly op: "place";
      readonly target: Uint8Array;
      /** S_IFMT and permission bits. */
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      /** As in `extract`. */
      readonly device: number;
      /** Modification time; two's complement before 1970. */
      readonly seconds: bigint;
      readonly nanoseconds: number;
      /** What a symlink holds. */
      readonly linkTo: Uint8Array;
      readonly size: bigint;
      /** u64 pairs, little-endian: offset in the file, bytes. The rest stays a hole. */
      readonly pieces: Uint8Array;
      /** As in `extract`; what is not permitted is left out. */
      readonly xattrs: Uint8Array;
      /** Fails (EISDIR, ENOTDIR) instead of replacing a directory by something else, or the other way round. */
      readonly keepKinds: boolean;
    }
  | {
      readonly op: "place-link";
      readonly target: Uint8Array;
      readonly linkTo: Uint8Array;
      readonly keepKinds: boolean;
    }
  /** Of a directory, when it has been filled. */
  | {
      readonly op: "place-time";
      readonly target: Uint8Array;
      readonly seconds: bigint;
      readonly nanoseconds: number;
    };

/** Ops on the host's cgroups. */
export type CgroupOp =
  /** Attaches a BPF_PROG_TYPE_CGROUP_DEVICE program (encoded `struct bpf_insn`s) to a v2 cgroup directory. */
  | { readonly op: "cgroup-devices"; readonly path: string; readonly program: Uint8Array }
  /** Kills every process in a cgroup: `cgroup.kill` where it exists, else by pid until none is left. Absence is fine. */
  | { readonly op: "kill-cgroup"; readonly path: string };

/** Ops that speak netlink. */
export type NetlinkOp =
  /**
   * Sends messages over one netlink socket and waits for each one's answer. In `inside` (or after `enter`) the
   * socket is the container's network namespace's. The result is all answer datagrams, one after the other.
   * Where `childPidAt` lists byte offsets, the child's pid is stored there (u32, host order) before sending:
   * that is how a veth end is born inside the child's namespace.
   * A message whose sequence number is in `ignore` may fail with the errno given there.
   */
  {
    readonly op: "netlink";
    /** 0 = NETLINK_ROUTE, 12 = NETLINK_NETFILTER. */
    readonly protocol: number;
    /** Whole messages, header included, one after the other. For nftables a batch: begin … end. */
    readonly messages: Uint8Array;
    readonly childPidAt: readonly number[];
    /** errno values that count as success for any message: [17] makes "exists already" fine. */
    readonly ignore: readonly number[];
    /** What this does, for error messages: `create veth pair`. */
    readonly what: string;
  };

/** Ops on mounts of the namespace in which they run; in `serve` that is the executor's own, invisible to the host. */
export type MountOp =
  /** Changes the propagation of a mount: MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, each with MS_REC or not. `inside`, before `pivot`. */
  | { readonly op: "propagation"; readonly path: string; readonly flags: number }
  /**
   * Mounts a file-backed EROFS image at a host path, with its extra devices in order. Does nothing where `path` is
   * a mount already: images are mounted once by `serve` and shared by all containers that start from it.
   */
  | { readonly op: "mount-erofs"; readonly path: string; readonly image: string; readonly devices: readonly string[] }
  /** Mounts overlayfs at a host path through fsopen/fsconfig, so that the number of layers has no limit. */
  | {
      readonly op: "mount-overlay";
      readonly path: string;
      /** Topmost first. */
      readonly lower: readonly string[];
      /** Both empty for a read-only view. */
      readonly upper: string;
      readonly work: string;
      /** Further options: `["volatile", "userxattr", "metacopy=off"]`. */
      readonly options: readonly string[];
    }
  /** Bind-mounts a host directory over a host path (the root of drivers without overlay). `flags`: MS_BIND and MS_REC. */
  | { readonly op: "mount-bind"; readonly path: string; readonly source: string; readonly flags: number }
  /**
   * Mounts a fresh tmpfs at a host path, which is made if missing: the /dev/shm that containers share. Does nothing
   * where `path` is a mount already. `flags` are MS_*, `options` the filesystem's own (`size=…`, `mode=1777`).
   */
  | { readonly op: "mount-tmpfs"; readonly path: string; readonly flags: number; readonly options: readonly string[] }
  /**
   * Mounts the root of a process's mount namespace at a host path: that mount alone, without what is mounted over parts of
   * it. Only in a host plan, after `unshare-mounts`. The process is named by its pid and the ticks at which it started.
   */
  | { readonly op: "mount-root-of"; readonly pid: number; readonly startTicks: number; readonly path: string }
  /**
   * mount(2) with whatever an administrator wrote for a volume: any filesystem, or MS_BIND. Does nothing where `path` is a mount
   * already. Only in a host plan. `propagation` is MS_PRIVATE and its like, 0 leaves it; `data` the filesystem's own options.
   */
  | {
      readonly op: "mount-filesystem";
      readonly path: string;
      readonly type: string;
      readonly source: string;
      readonly flags: number;
      readonly propagation: number;
      readonly data: string;
    }
  /**
   * Binds what a relative target leads to beneath a root that containers write, at a host path, which is made: a directory or
   * a file. No link leads out of that root: one that would fails with EXDEV. Only in a host plan.
   */
  | { readonly op: "mount-beneath"; readonly path: string; readonly root: string; readonly target: string }
  /** Unmounts; `detach` = MNT_DETACH. What is no mount is fine. */
  | { readonly op: "umount"; readonly path: string; readonly detach: boolean };

/** Ops of the child that furnish the container. Order is the plan's. */
export type InsideOp =
  /** Opens the mounted root filesystem; every later target is beneath it. */
  | { readonly op: "root"; readonly path: string }
  /** Mounts a fresh filesystem (proc, sysfs, tmpfs, mqueue, devpts, cgroup2, cgroup) on a directory in the root, which is made if missing. */
  | {
      readonly op: "mount";
      readonly target: string;
      readonly type: string;
      readonly source: string;
      /** MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY | MS_RELATIME … */
      readonly flags: number;
      /** The filesystem's own options, `key` or `key=value`. */
      readonly options: readonly string[];
      /** tmpfs: starts with a copy of what the directory held. */
      readonly copyUp: boolean;
    }
  /**
   * Binds a host path onto a target. Missing targets are made (`create`). The source may be `/proc/self/fd`-free
   * host path only; it is opened before the pivot.
   */
  | {
      readonly op: "bind";
      readonly source: string;
      readonly target: string;
      readonly create: "directory" | "file";
      readonly recursive: boolean;
      /** MOUNT_ATTR_* to set and to clear on the new mount. */
      readonly set: number;
      readonly clear: number;
      /** Whether `set`/`clear` go for submounts too (AT_RECURSIVE). */
      readonly recursiveAttributes: boolean;
      /** MS_PRIVATE, MS_SLAVE, MS_SHARED (| MS_REC); 0 leaves it. */
      readonly propagation: number;
      /** Non-empty: the mount is idmapped with these maps. */
      readonly uidMap: readonly IdMapping[];
      readonly gidMap: readonly IdMapping[];
      /** The source is an empty directory that first gets a copy of what the target held. */
      readonly copyUp: boolean;
    }
  /** Makes a device node; where mknod is not permitted (user namespace) it binds the host's node instead. */
  | {
      readonly op: "device";
      readonly target: string;
      readonly type: "c" | "b" | "p";
      readonly major: number;
      readonly minor: number;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly hostPath: string;
    }
  | { readonly op: "symlink"; readonly target: string; readonly linkTo: string }
  /** Makes a directory in the root, parents included; existing ones are left as they are. */
  | {
      readonly op: "mkdir-in-root";
      readonly target: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  /** With a terminal: binds the pty onto /dev/console. */
  | { readonly op: "console" }
  /** Makes the opened root the process's root: pivot_root, then the old root is detached. */
  | {
      readonly op: "pivot" /** Propagation of `/` afterwards; 0 leaves it. */;
      readonly propagation: number;
      readonly readonly: boolean;
    }
  /** After `pivot`: covers a file with /dev/null, a directory with an empty read-only tmpfs. Absence is fine. */
  | { readonly op: "mask"; readonly target: string }
  /** After `pivot`: makes a mount read-only, or mounts a path over itself read-only (recursively). Absence is fine. */
  | { readonly op: "readonly"; readonly target: string }
  /** Writes /proc/sys/KEY of the new namespaces; the key has slashes. Uses a procfs of its own, never the container's. */
  | { readonly op: "sysctl"; readonly key: string; readonly value: string }
  | { readonly op: "hostname"; readonly name: string }
  | { readonly op: "domainname"; readonly name: string }
  /** `resource` is RLIMIT_*. -1 is infinity. */
  | { readonly op: "rlimit"; readonly resource: number; readonly soft: number; readonly hard: number }
  | { readonly op: "oom-score-adj"; readonly value: number }
  /** Capability sets as bit masks. The bounding set is dropped first, ambient raised last. */
  | {
      readonly op: "capabilities";
      readonly bounding: bigint;
      readonly effective: bigint;
      readonly permitted: bigint;
      readonly inheritable: bigint;
      readonly ambient: bigint;
    }
  | { readonly op: "no-new-privs" }
  /** Installs a compiled filter (encoded `struct sock_filter`s). `flags` are SECCOMP_FILTER_FLAG_*. Stays the last op before `exec` but for credentials where no_new_privs is off. */
  | { readonly op: "seccomp"; readonly filter: Uint8Array; readonly flags: number }
  | {
      readonly op: "user";
      readonly uid: number;
      readonly gid: number;
      readonly groups: readonly number[];
      readonly umask: number;
    }
  /** Sets the AppArmor profile for the coming exec (`/proc/self/attr/apparmor/exec`). */
  | { readonly op: "apparmor"; readonly profile: string }
  /** Goes to a directory in the container; it must lie beneath its root. With `create` a missing one is made. */
  | { readonly op: "cwd"; readonly path: string; readonly create: boolean }
  /**
   * Becomes the program: always the last op of `inside`. argv[0] without a slash is looked up in the PATH of `env`.
   * With `init` the child first becomes tug's init (pid 1: reaps, forwards signals), which runs the program.
   */
  | { readonly op: "exec"; readonly argv: readonly string[]; readonly env: readonly string[]; readonly init: boolean };

/** How the child comes to life. */
export interface CloneSpec {
  /** Namespaces to create. */
  readonly create: readonly NamespaceKind[];
  /** Namespaces to enter, by path (`/proc/PID/ns/net`), before the clone. */
  readonly join: readonly { readonly kind: NamespaceKind; readonly path: string }[];
  /** Maps of a new user namespace. */
  readonly uidMap: readonly IdMapping[];
  readonly gidMap: readonly IdMapping[];
  /** A v2 cgroup directory into which the child is born (CLONE_INTO_CGROUP); empty: none. */
  readonly cgroup: string;
  /** `tasks` files of v1 cgroups, which the child enters before anything else it does. */
  readonly cgroupTasks: readonly string[];
}

export type BeforeOp = FileOp | CgroupOp | NetlinkOp | MountOp;
/** `umount` lets go of a root filesystem that a foreign runtime has taken into its own mount namespace. */
export type BesideOp = FileOp | CgroupOp | NetlinkOp | Extract<MountOp, { op: "umount" }>;
export type ChildOp = InsideOp | MountOp | NetlinkOp;
export type AfterOp = FileOp | CgroupOp | NetlinkOp | MountOp;

export interface ProcessPlan {
  readonly before: readonly BeforeOp[];
  readonly clone: CloneSpec;
  readonly beside: readonly BesideOp[];
  readonly inside: readonly ChildOp[];
  readonly after: readonly AfterOp[];
}

/** What `serve` runs: in its own mount namespace, or in another process's namespaces once `enter` was met. */
export type HostOp =
  | FileOp
  | CgroupOp
  | NetlinkOp
  | MountOp
  | EnterOp
  | UnshareMountsOp
  | EnterHostMountsOp
  | TreeOp
  | Extract<InsideOp, { op: "root" | "bind" | "pivot" | "rlimit" | "capabilities" }>;

/** The rest of the host plan runs in a mount namespace of its own, which ends with the plan: look at a rootfs, leave no trace. */
export interface UnshareMountsOp {
  readonly op: "unshare-mounts";
}

/** The rest of the host plan runs in the host's own mount namespace: what it mounts there, monitors and people see. */
export interface EnterHostMountsOp {
  readonly op: "enter-host-mounts";
}

/** Enters namespaces of a running process (by pidfd) for the rest of a host plan. `netns` by path instead of pid: pid 0. */
export interface EnterOp {
  readonly op: "enter";
  readonly pid: number;
  readonly namespaces: readonly NamespaceKind[];
}

export type HostPlan = readonly HostOp[];
export type Op = BeforeOp | BesideOp | ChildOp | AfterOp | HostOp | StreamOp;
