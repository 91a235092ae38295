/**
 * What the verbs share. Every verb is a function over a `Context`; `create-containers.ts` builds one and binds them.
 *
 * Invariants:
 *  1. A record changes only under its container's lock, and the lock is never held over a process, the network or another lock.
 *  2. While `starting` has an entry, that start alone decides what comes next; other verbs wait for it (`settled`).
 *  3. `tasks` has an entry from the record of a start until all that its end entails is done; `exit.ts` handles the end, once.
 */
import type { Spec } from "#api/oci";
import type { Events } from "#core/events";
import type { ImageID, Images } from "#core/images";
import type { Endpoint, Networks } from "#core/networks";
import type { HostFacts, HostReader } from "#core/runtime";
import type { Snapshotter } from "#core/snapshots";
import type { Executor, Monitor, ReadExitRecord } from "#executor";
import type { Background, KeyedLock } from "#lib/async";
import type { Trash } from "#lib/fs";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import type { Container, ContainerID } from "./container.ts";
import type { ExecTable } from "./exec-table.ts";
import type { HealthState } from "./health.ts";
import type { Layout } from "./layout.ts";
import type { Shippers } from "./log/ship/shippers.ts";
import type { Randomness } from "./names.ts";
import type { PendingAttaches } from "./pending-attaches.ts";
import { isRunning } from "./state.ts";
import type { ContainerStore } from "./store.ts";
import type { Waiters } from "./waiters.ts";

/** What containers need of the engine around them. */
export interface Dependencies {
  readonly executor: Executor;
  readonly readExitRecord: ReadExitRecord;
  readonly snapshotter: Snapshotter;
  readonly images: Pick<Images, "get" | "find" | "prepare" | "commit">;
  readonly networks: Pick<Networks, "attach" | "release" | "loopbackPlan" | "endpointOf" | "list">;
  readonly events: Pick<Events, "emit">;
  readonly host: HostFacts;
  readonly reader: HostReader;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly background: Background;
  /** Deletes the files of what was removed. */
  readonly trash: Pick<Trash, "discard">;
  readonly logger: Logger;
  readonly layout: Layout;
  readonly defaults: Defaults;
  readonly hostname: () => string;
  /** Of the daemon: what log lines bear that are sent away. */
  readonly processID: number;
  /** Told that a container is gone, and which image it was made from: that may be garbage now. */
  readonly removed: (image: ImageID) => void;
  /** Runs a program of the host and gives what it printed: `ps`. */
  readonly capture: (argv: readonly string[]) => Promise<{ exitCode: number; stdout: string; stderr: string }>;
}

/** What the daemon's configuration says for containers that do not say otherwise. */
export interface Defaults {
  /** Name in `runtimes`. */
  readonly runtime: string;
  /** Name → how to call it; undefined: tug's own executor. */
  readonly runtimes: ReadonlyMap<string, OciRuntime | undefined>;
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  /** Absolute, below each controller's mount. */
  readonly cgroupParent: string;
  readonly shmSizeBytes: number;
  readonly init: boolean;
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly noNewPrivileges: boolean;
  /** A `seccomp=` value for containers without one; empty: the built-in profile. */
  readonly seccompProfile: string;
  readonly hostGatewayAddress: string;
}

/** A runtime with the standard command line (`runc`, `crun`). */
export interface OciRuntime {
  readonly path: string;
  readonly arguments: readonly string[];
}

export interface Context extends Dependencies {
  readonly store: ContainerStore;
  readonly locks: KeyedLock;
  readonly waiters: Waiters;
  readonly attaches: PendingAttaches;
  readonly execs: ExecTable;
  /** Containers that have no record yet: what they are made of must not go meanwhile. */
  readonly creating: Map<ContainerID, Pick<Container, "id" | "imageID" | "mounts" | "imageMounts">>;
  readonly tasks: Map<ContainerID, Task>;
  readonly starting: Map<ContainerID, Promise<void>>;
  /** The last of those who write to the files of a container that does not run; a start waits for it. */
  readonly writing: Map<ContainerID, Promise<void>>;
  readonly restarts: Map<ContainerID, PendingRestart>;
  /** Of containers with a health check, since their last start. */
  readonly health: Map<ContainerID, HealthState>;
  readonly shippers: Shippers;
  /** Aborted when the engine ends: from then on no container's end is followed. */
  readonly released: AbortController;
}

/** The live process tree of one container. */
export interface Task {
  readonly monitor: Monitor;
  readonly pid: number;
  /** Undefined when an adopted container's document could not be read: then it cannot run execs. */
  readonly spec: Spec | undefined;
  /** Resolves once the end was recorded and everybody was told. */
  readonly ended: Promise<void>;
  /** Set by `stop`, so that the end is announced as a stop. */
  stopping: boolean;
  /** Set while its processes are being frozen, and while they are. */
  freezing: boolean;
  /** Set before SIGKILL is sent. A frozen process does not die of it until it is thawed, on cgroup v1. */
  killed: boolean;
  /** Set by `restart`, which starts it again itself: policy and auto-remove keep off. */
  restarting: boolean;
}

/** The back-off of one container's restarts. */
export interface PendingRestart {
  readonly delayMs: number;
  /** Undefined while the container runs. */
  readonly cancel?: () => void;
}

/** Waits until no start of this container is under way, and no end is still being cleaned up. */
export async function settled(context: Context, id: ContainerID): Promise<void> {
  for (;;) {
    const start = context.starting.get(id);
    const task = context.tasks.get(id);
    const state = context.store.find(id)?.state;
    if (start) await start;
    else if (task && state && !isRunning(state)) await task.ended;
    else return;
  }
}

/** Calls `act` under the container's lock, at a moment when no start of it is under way: what it decides, no start takes back. */
export async function whenSettled<T>(context: Context, id: ContainerID, act: () => T): Promise<T> {
  for (;;) {
    await settled(context, id);
    // Somebody else may have been quicker to begin.
    const done = await context.locks.run(id, () => (context.starting.has(id) ? undefined : { result: act() }));
    if (done) return done.result;
  }
}

/** Announces what happened to a container, with its labels, image and name as Docker does. */
export function emit(
  context: Context,
  action: string,
  container: Container,
  attributes: Readonly<Record<string, string>> = {},
): void {
  context.events.emit({
    type: "container",
    action,
    actorID: container.id,
    attributes: {
      ...container.config.Labels,
      image: container.imageName,
      name: container.name,
      ...attributes,
    },
  });
}

export function emitNetwork(
  context: Context,
  action: "connect" | "disconnect",
  { id }: Container,
  endpoint: Endpoint,
): void {
  context.events.emit({
    type: "network",
    action,
    actorID: endpoint.networkID,
    attributes: { container: id, name: endpoint.networkName, type: "bridge" },
  });
}
