import type { Containers, Volumes } from "#core/containers";
import type { Registries } from "#core/distribution";
import type { Events } from "#core/events";
import type { ImageExplorer, Images } from "#core/images";
import type { Networks } from "#core/networks";

/** All that the API stands on. Each group of routes declares which part of it it calls. */
export interface Backends {
  readonly containers: Containers;
  readonly volumes: Volumes;
  readonly images: Images;
  readonly explorer: ImageExplorer;
  readonly events: Events;
  readonly networks: Pick<Networks, "list" | "get" | "endpoints">;
  readonly registries: Pick<Registries, "login" | "search" | "repository" | "settings">;
  readonly system: SystemBackend;
  /** For imports from a URL. */
  readonly fetch: Fetch;
  readonly now: () => Date;
}

export type Fetch = (url: string, options: { signal: AbortSignal }) => Promise<Response>;

/** Facts about the engine and its host, for `/version` and `/info`. It is asked for facts only; the wire's shape is ours. */
export interface SystemBackend {
  /** What does not change while the engine runs. */
  readonly identity: EngineIdentity;
  /** What may change: read anew for each request. */
  facts(): Promise<SystemFacts>;
}

export interface EngineIdentity {
  /** A UUID, made once for a data root. */
  readonly id: string;
  readonly engineVersion: string;
  readonly gitCommit: string;
  /** RFC 3339. */
  readonly buildTime: string;
  /** The language runtime: `bun1.4.5`. */
  readonly runtimeVersion: string;
  /** In Go's words: `amd64`. */
  readonly architecture: string;
  /** In the kernel's words: `x86_64`. */
  readonly machine: string;
  readonly kernelVersion: string;
  readonly experimental: boolean;
  /** The snapshotter in use: `erofs`, `overlay` … */
  readonly storageDriver: string;
  /** Further programs: the executor, OCI runtimes. */
  readonly components: readonly EngineComponent[];
}

export interface EngineComponent {
  readonly name: string;
  readonly version: string;
  readonly details: Readonly<Record<string, string>>;
}

export interface SystemFacts {
  readonly hostname: string;
  /** `Debian GNU/Linux 13 (trixie)`. */
  readonly operatingSystem: string;
  readonly operatingSystemVersion: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** File descriptors the daemon has open. */
  readonly openFiles: number;
  readonly debug: boolean;
  readonly dataRoot: string;
  /** Rows that `info` shows under the storage driver. */
  readonly storageStatus: readonly (readonly [string, string])[];
  readonly cgroup: CgroupFacts;
  readonly ipv4Forwarding: boolean;
  readonly loggingDriver: string;
  readonly loggingDrivers: readonly string[];
  readonly runtimes: Readonly<Record<string, { readonly path: string; readonly args?: readonly string[] }>>;
  readonly defaultRuntime: string;
  readonly initBinary: string;
  /** `name=seccomp,profile=builtin` … */
  readonly securityOptions: readonly string[];
  readonly labels: readonly string[];
  readonly liveRestore: boolean;
  /** Listeners on `/events`. */
  readonly eventListeners: number;
  readonly warnings: readonly string[];
}

/** What of resource limits this kernel can enforce. */
export interface CgroupFacts {
  readonly version: "1" | "2";
  readonly driver: "cgroupfs" | "systemd" | "none";
  readonly memory: boolean;
  readonly swap: boolean;
  readonly cpuCfs: boolean;
  readonly cpuShares: boolean;
  readonly cpuset: boolean;
  readonly pids: boolean;
  readonly oomKillDisable: boolean;
}
