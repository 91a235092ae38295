import type { Duplex } from "node:stream";
import type { ContainerConfig, Health, HostConfig, NetworkingConfig } from "#api/engine";
import type { Filters } from "#core/events";
import type { ImageID } from "#core/images";
import type { Container, ContainerID, Exec, ExecConfig } from "./container.ts";

/**
 * All that can be done with containers. A reference is a full ID, a name (with or without `/`) or a unique ID
 * prefix. Every method with a reference throws `not-found` "No such container: X" and, when the prefix fits several,
 * `invalid-parameter` "multiple IDs found with provided prefix: X". Messages that clients know are Docker's.
 */
export interface Containers {
  /** @throws `conflict` (name in use), `not-found` (image), `invalid-parameter` (any option that cannot act) */
  create(request: CreateRequest): Promise<{ id: ContainerID; warnings: string[] }>;
  /** What the kernel would be asked to do to start such a container, for people to read. Nothing of it stays. Throws as `create` does. */
  plan(request: CreateRequest): Promise<string>;
  /** @throws `not-modified` when it runs already; `invalid-parameter` with the runtime's text when the program cannot be run */
  start(reference: string): Promise<void>;
  /** @throws `not-modified` when it does not run */
  stop(reference: string, options: StopOptions): Promise<void>;
  restart(reference: string, options: StopOptions): Promise<void>;
  /** `signal`: name with or without SIG, or number; empty: SIGKILL. */
  kill(reference: string, signal: string): Promise<void>;
  pause(reference: string): Promise<void>;
  unpause(reference: string): Promise<void>;
  rename(reference: string, name: string): Promise<void>;
  remove(reference: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void>;
  prune(filters: Filters): Promise<{ deleted: ContainerID[]; reclaimedBytes: number }>;
  /**
   * Registers the waiter before it returns, so that nothing that happens afterwards is missed; the outcome comes later.
   * `next-exit` ignores an end that was before.
   */
  wait(reference: string, condition: WaitCondition, signal?: AbortSignal): Promise<{ outcome: Promise<WaitOutcome> }>;

  get(reference: string): Container;
  /** Newest first, filtered as engine-api notes 4 say. */
  list(query: ListQuery): Promise<Container[]>;
  /** Bytes: the writable part, and the whole root filesystem. */
  size(reference: string): Promise<{ rw: number; rootFs: number }>;
  top(reference: string, psArguments: string): Promise<{ titles: string[]; processes: string[][] }>;
  /** Where the log, the hosts file and so on of a container lie. */
  paths(id: ContainerID): ContainerPaths;
  /** `unconfined`, or the profile's name; empty on a host without AppArmor, and before the first start. */
  appArmorProfile(id: ContainerID): string;
  /** Of a container with a health check that was started under this daemon; else undefined. */
  health(id: ContainerID): NonNullable<Health> | undefined;
  /** Its links as the API shows them: `/CONTAINER:/PARENT/ALIAS`. */
  links(id: ContainerID): string[];
  /** The names that links give to containers, `/PARENT/ALIAS`, by the ID of the linked one. */
  namesByLinks(): ReadonlyMap<ContainerID, readonly string[]>;
  /** IDs of its running or unfinished execs. */
  execIDs(id: ContainerID): string[];

  /**
   * The container's stdio as a stream: written bytes are its stdin, `end()` half-closes it; read bytes are raw with
   * a terminal, else Docker's frames. A created container is waited for: the stream begins with its start.
   * @throws `conflict` while paused
   */
  attach(reference: string, options: AttachRequest): Promise<Duplex>;
  /** One frame a line (Docker's stdcopy frames; raw with a terminal). With `follow` it ends when the container stops. */
  logs(reference: string, options: LogsRequest): Promise<AsyncIterable<Uint8Array>>;
  /** @throws `conflict` when it does not run */
  resize(reference: string, size: { width: number; height: number }): Promise<void>;

  /** What is different from the image, parents first, each directory in the order of its names. */
  changes(reference: string): Promise<Change[]>;
  /** A tar of the root filesystem, without what is mounted over it. */
  export(reference: string, options: { readonly signal?: AbortSignal }): Promise<AsyncIterable<Uint8Array>>;
  /** @throws `not-found` "Could not find the file PATH in container X" */
  statPath(reference: string, path: string): Promise<PathStat>;
  /** A file or a directory as a tar, volumes and binds included. A link that the path ends in is not followed. Throws as `statPath`. */
  getArchive(reference: string, path: string, options: { readonly signal?: AbortSignal }): Promise<PathArchive>;
  /**
   * Extracts a tar, compressed or not, into a directory. Names and links lead nowhere beyond that directory.
   * @throws `not-found`; `invalid-parameter` for a path that is no directory or is read-only, and for a malformed tar
   */
  putArchive(reference: string, path: string, options: PutArchiveOptions): Promise<void>;
  /** Makes an image of what the container changed. */
  commit(reference: string, options: CommitRequest): Promise<ImageID>;

  createExec(reference: string, config: ExecConfig): Promise<string>;
  /** Resolves when it is sure that this call starts it. @throws `not-found` "No such exec instance: X"; `conflict` on a second start */
  startExec(
    id: string,
    options: { detach: boolean; tty: boolean; consoleSize?: { width: number; height: number } },
  ): Promise<ExecStart>;
  getExec(id: string): Exec;
  resizeExec(id: string, size: { width: number; height: number }): Promise<void>;
}

export interface ExecStart {
  /** Resolves once it runs: to its stdio, or detached to nothing. Rejects when its program cannot be run. */
  readonly stdio: Promise<Duplex | undefined>;
}

export interface CreateRequest {
  /** Empty: one is made up. */
  readonly name: string;
  readonly platform: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networking: NetworkingConfig;
}

export interface StopOptions {
  /** Empty: the container's own stop signal. */
  readonly signal: string;
  /** Undefined: the container's own; -1: wait for ever. */
  readonly timeoutSeconds?: number;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

export interface WaitOutcome {
  readonly statusCode: number;
  /** Set when the wait ended for another reason than an end: a failed start or auto-remove. */
  readonly error?: string;
}

export interface ListQuery {
  readonly all: boolean;
  /** 0: no limit. A limit implies `all`. */
  readonly limit: number;
  readonly filters: Filters;
}

export interface AttachRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Replay the log first. */
  readonly logs: boolean;
  /** Stay connected for what comes. */
  readonly stream: boolean;
  /** Empty: ctrl-p,ctrl-q. Only with a terminal and stdin. */
  readonly detachKeys: string;
}

export interface LogsRequest {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** RFC 3339 or UNIX seconds with optional fraction; empty: no bound. */
  readonly since: string;
  readonly until: string;
  /** -1: all. */
  readonly tail: number;
  readonly signal?: AbortSignal;
}

export interface Change {
  /** Absolute. */
  readonly path: string;
  readonly kind: "modified" | "added" | "deleted";
}

/** One file of a container, links not followed. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** As the kernel has it: S_IFMT and permission bits. */
  readonly mode: number;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly modifiedAt: string;
  /** Of a symlink: where it leads in the end, absolute, whether that exists or not; else empty. */
  readonly linkTarget: string;
}

export interface PathArchive {
  readonly stat: PathStat;
  readonly tar: AsyncIterable<Uint8Array>;
}

export interface PutArchiveOptions {
  readonly tar: AsyncIterable<Uint8Array>;
  /** Gives everything to the container's user instead of the owners that the tar names. */
  readonly chownToUser: boolean;
  /** Refuses to replace a directory by something else, and the other way round. */
  readonly keepKinds: boolean;
  readonly signal?: AbortSignal;
}

export interface CommitRequest {
  /** Freezes a running container while its files are read. */
  readonly pause: boolean;
  /** A name for the image. */
  readonly reference?: string;
  readonly author: string;
  readonly comment: string;
  /** Takes precedence over the container's own. */
  readonly config?: ContainerConfig;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  readonly signal?: AbortSignal;
}

export interface ContainerPaths {
  readonly log: string;
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}
