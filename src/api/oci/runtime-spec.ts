/**
 * `config.json` of the OCI runtime specification 1.2, as far as Linux containers use it. Names and nesting are the
 * standard's; what is optional there is optional here. Sizes are bytes unless a field says otherwise.
 */
export interface Spec {
  readonly ociVersion: string;
  readonly process?: Process;
  readonly root?: { readonly path: string; readonly readonly?: boolean };
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts?: readonly SpecMount[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: Linux;
}

/** The container's first process (config.md, "Process"). */
export interface Process {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: ProcessUser;
  readonly args: readonly string[];
  readonly env?: readonly string[];
  readonly cwd: string;
  readonly capabilities?: CapabilitySets;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly oomScoreAdj?: number;
  readonly selinuxLabel?: string;
}

export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
}

/** Capability names, `CAP_` included. A missing set is empty. */
export interface CapabilitySets {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly permitted?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly ambient?: readonly string[];
}

export interface Rlimit {
  /** `RLIMIT_NOFILE` … */
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** A mount in the container, carried out in the order of the document. */
export interface SpecMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  /** `mount(8)` options and the runtime's own (`rbind`, `rro`, `tmpcopyup`, `idmap` …). */
  readonly options?: readonly string[];
  readonly uidMappings?: readonly SpecIdMapping[];
  readonly gidMappings?: readonly SpecIdMapping[];
}

export interface Hooks {
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

export interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

/** The platform's part (config-linux.md). */
export interface Linux {
  readonly namespaces?: readonly SpecNamespace[];
  readonly uidMappings?: readonly SpecIdMapping[];
  readonly gidMappings?: readonly SpecIdMapping[];
  readonly devices?: readonly SpecDevice[];
  readonly cgroupsPath?: string;
  readonly resources?: SpecResources;
  /** The specification has no recursive ones; runc takes and Docker writes them. */
  readonly rootfsPropagation?: "private" | "shared" | "slave" | "unbindable" | "rprivate" | "rshared" | "rslave";
  readonly seccomp?: SpecSeccomp;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
}

export type SpecNamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";

export interface SpecNamespace {
  readonly type: SpecNamespaceType;
  /** Join the namespace at this path instead of making one. */
  readonly path?: string;
}

export interface SpecIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface SpecDevice {
  readonly type: "c" | "b" | "u" | "p";
  readonly path: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Limits of the container's cgroup (config-linux.md, "Control groups"). */
export interface SpecResources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: MemoryResources;
  readonly cpu?: CpuResources;
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIOResources;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  /** Cgroup v2 files and what to write to them. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** Rules apply in order, the last that fits decides. A missing number fits every device. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: "a" | "c" | "b";
  readonly major?: number;
  readonly minor?: number;
  /** Letters of `rwm`. */
  readonly access?: string;
}

export interface MemoryResources {
  /** -1 is unlimited, for all four. */
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  readonly kernel?: number;
  readonly kernelTCP?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
}

/** Times are microseconds. */
export interface CpuResources {
  readonly shares?: number;
  readonly quota?: number;
  readonly burst?: number;
  readonly period?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  readonly cpus?: string;
  readonly mems?: string;
}

export interface BlockIOResources {
  readonly weight?: number;
  readonly weightDevice?: readonly (BlockDevice & { readonly weight: number })[];
  readonly throttleReadBpsDevice?: readonly BlockThrottle[];
  readonly throttleWriteBpsDevice?: readonly BlockThrottle[];
  readonly throttleReadIOPSDevice?: readonly BlockThrottle[];
  readonly throttleWriteIOPSDevice?: readonly BlockThrottle[];
}

export interface BlockDevice {
  readonly major: number;
  readonly minor: number;
}

export interface BlockThrottle extends BlockDevice {
  /** Bytes or operations a second. */
  readonly rate: number;
}

/** A resolved filter: what is left of a profile for one architecture, kernel and set of capabilities. */
export interface SpecSeccomp {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls?: readonly SeccompRule[];
}

export type SeccompAction =
  | "SCMP_ACT_KILL"
  | "SCMP_ACT_KILL_PROCESS"
  | "SCMP_ACT_KILL_THREAD"
  | "SCMP_ACT_TRAP"
  | "SCMP_ACT_ERRNO"
  | "SCMP_ACT_TRACE"
  | "SCMP_ACT_ALLOW"
  | "SCMP_ACT_LOG"
  | "SCMP_ACT_NOTIFY";

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  /** Also the data of SCMP_ACT_TRACE. */
  readonly errnoRet?: number;
  /** All have to hold; see `seccomp/resolve.ts` for several conditions on one argument. */
  readonly args?: readonly SeccompCondition[];
}

export interface SeccompCondition {
  /** 0 to 5. */
  readonly index: number;
  /** With SCMP_CMP_MASKED_EQ the mask. */
  readonly value: number | bigint;
  /** With SCMP_CMP_MASKED_EQ what the masked argument has to be. */
  readonly valueTwo?: number | bigint;
  readonly op: SeccompOperator;
}

export type SeccompOperator =
  | "SCMP_CMP_NE"
  | "SCMP_CMP_LT"
  | "SCMP_CMP_LE"
  | "SCMP_CMP_EQ"
  | "SCMP_CMP_GE"
  | "SCMP_CMP_GT"
  | "SCMP_CMP_MASKED_EQ";
