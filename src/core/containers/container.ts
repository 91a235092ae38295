import type { ContainerConfig, HostConfig, MountPoint, NetworkingConfig } from "#api/engine";
import type { ImageID } from "#core/images";
import type { Endpoint } from "#core/networks";
import type { DiffID } from "#core/snapshots";
import type { StartedRecord } from "#executor";
import type { ImageMount } from "./image-mounts.ts";

/** 64 lower-case hex digits. */
export type ContainerID = string & { readonly __brand: "ContainerID" };

/**
 * A container: what the user asked (`config`, `hostConfig`: the API's own documents, merged with the image's
 * defaults at create and never edited by us afterwards), what we want next (`desired`), and what we saw (`state`).
 */
export interface Container {
  readonly id: ContainerID;
  /** Without the leading slash. */
  readonly name: string;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly createdAt: string;
  readonly imageID: ImageID;
  /** The image's layers, bottom first; the image itself may be removed by force. */
  readonly layers: readonly DiffID[];
  /** As the user typed it. */
  readonly imageName: string;
  readonly platform: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networking: NetworkingConfig;
  /** Program and arguments after entrypoint and command were joined. */
  readonly path: string;
  readonly args: readonly string[];
  /** What is mounted over the root filesystem, anonymous volumes included, as inspect shows it; fixed at create. */
  readonly mounts: readonly MountPoint[];
  readonly desired: Desired;
  readonly state: ContainerState;
  readonly restartCount: number;
  /** Images mounted beside its own; absent: there are none. */
  readonly imageMounts?: readonly ImageMount[];
  /** Where its `--link`s lead; absent: it has none. */
  readonly links?: readonly Link[];
  /** While it runs on the default bridge. */
  readonly endpoint?: Endpoint;
}

/** Another container under a name of this one's choice. */
export interface Link {
  readonly containerID: ContainerID;
  readonly alias: string;
}

/** `run`: the restart policy may start it again. `stop`: the user stopped it. `remove`: it goes when it ends. */
export type Desired = "run" | "stop" | "remove";

/** What a run left behind when it ended. */
export interface Ended {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why the start failed, as the user reads it; empty otherwise. */
  readonly error: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

export interface Running extends StartedRecord {
  /** The end before this run, whose times inspect still shows. */
  readonly finishedAt: string;
}

/**
 * The state of a container, one value. `transition` in state.ts is the only function that makes a new one.
 *
 *     created ──start──▶ running ──exit──▶ exited ──start──▶ running
 *                        │  ▲ ╲__policy__▶ restarting ──start──▶ running
 *                     pause unpause
 *                        ▼  │
 *                       paused            (any) ──remove──▶ removing ──failed──▶ dead
 */
export type ContainerState =
  /** With exit code and error once a first start failed. */
  | ({ readonly status: "created" } & Partial<Pick<Ended, "exitCode" | "error">>)
  | ({ readonly status: "running" } & Running)
  | ({ readonly status: "paused" } & Running)
  | ({ readonly status: "restarting" } & Ended)
  | ({ readonly status: "exited" } & Ended)
  | ({ readonly status: "removing" } & Partial<Ended>)
  | ({ readonly status: "dead" } & Partial<Ended>);

/** A further process in a running container. */
export interface Exec {
  readonly id: string;
  readonly containerID: ContainerID;
  readonly config: ExecConfig;
  readonly state:
    | { readonly status: "created" }
    | { readonly status: "running"; readonly pid: number }
    | { readonly status: "exited"; readonly exitCode: number; readonly pid: number };
}

export interface ExecConfig {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly detachKeys: string;
  readonly privileged: boolean;
  readonly user: string;
  readonly workingDir: string;
  readonly env: readonly string[];
  readonly consoleSize?: { readonly width: number; readonly height: number };
}
