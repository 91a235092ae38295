/**
 * The container compiler. A container's documents become an OCI runtime-spec document (`buildSpec`), and that document a
 * plan (`compilePlan`). Neither touches the machine: what they need to know of it arrives as `HostFacts` and through a
 * `HostReader`, what they need from the container's root filesystem (its users) arrives resolved.
 *
 *     HostConfig ──fitResources──▶ HostConfig, warnings ──validateHostConfig──▶ refused or not      (at create)
 *     HostConfig ──buildSpec──▶ Spec ──compilePlan──▶ ProcessPlan ──formatPlan──▶ text
 *                                └──compileExecPlan──▶ ProcessPlan
 *
 * `spec/` makes the document, `plan/` the plan; `cgroups/` and `seccomp/` are the two halves of a plan that are
 * compilers of their own; `linux/` holds the kernel's numbers.
 */
import type { ContainerConfig, HostConfig } from "#api/engine";
import type { Spec } from "#api/oci";
import type { EndpointPlan } from "#core/networks";
import type { RootMounts } from "#core/snapshots";
import type { HostReader } from "./host/reader.ts";
import type { HostFacts, ResolvedUser } from "./types.ts";

export interface SpecInput {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Variables besides, which the container's own override. */
  readonly environment: readonly string[];
  /** Program and arguments after entrypoint and command were joined. */
  readonly argv: readonly string[];
  readonly user: ResolvedUser;
  readonly rootPath: string;
  /** Host files bound to /etc/resolv.conf, /etc/hostname, /etc/hosts; empty with `none` of them. */
  readonly files: { readonly resolvConf: string; readonly hostname: string; readonly hosts: string };
  /** Host paths of what mounts of type image show, by their place in the container. */
  readonly images: ReadonlyMap<string, string>;
  /** Host directory bound to /dev/shm with `--ipc shareable` and `--ipc container:`; unused otherwise. */
  readonly shmPath?: string;
  /** Cgroup of the container below each controller's mount: `/tug/<id>` or with --cgroup-parent (`cgroupsPath`). */
  readonly cgroupsPath: string;
  /** For `container:` modes: the pid whose namespaces are joined. */
  readonly join: { readonly network?: number; readonly ipc?: number; readonly pid?: number };
  readonly host: HostFacts;
  readonly reader: HostReader;
}

export interface PlanInput {
  /** All of the container's policy; any `config.json` will do. */
  readonly spec: Spec;
  readonly root: RootMounts;
  /** What was mounted on the host for this run alone, and goes with it. */
  readonly hostMounts: readonly string[];
  readonly network?: EndpointPlan;
  /** A tmpfs that containers share as their /dev/shm, to be mounted on the host first (`--ipc shareable`). */
  readonly shm?: { readonly path: string; readonly sizeBytes: number };
  /** Put tug's init in as pid 1. */
  readonly init: boolean;
  readonly host: HostFacts;
  readonly reader: HostReader;
}
