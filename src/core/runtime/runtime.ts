/**
 * The container compiler. A container's documents become an OCI runtime-spec document (`buildSpec`), and that document a
 * plan (`compilePlan`). Both are pure: what they need to know of the host arrives as `HostFacts`, what they need from
 * the container's root filesystem (its users) arrives resolved.
 */
import type { ContainerConfig, HostConfig } from "#api/engine";
import type { Spec } from "#api/oci";
import type { EndpointPlan } from "#core/networks";
import type { RootMounts } from "#core/snapshots";
import type { ProcessPlan } from "#executor";
import type { ExecOptions, HostFacts, ResolvedUser } from "./types.ts";

export interface SpecInput {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Program and arguments after entrypoint and command were joined. */
  readonly argv: readonly string[];
  readonly user: ResolvedUser;
  readonly rootPath: string;
  /** Host files bound to /etc/resolv.conf, /etc/hostname, /etc/hosts; empty with `none` of them. */
  readonly files: { readonly resolvConf: string; readonly hostname: string; readonly hosts: string };
  /** Cgroup of the container below each controller's mount: `/tug/<id>` or with --cgroup-parent. */
  readonly cgroupsPath: string;
  /** For `container:` modes: the pid whose namespaces are joined. */
  readonly join: { readonly network?: number; readonly ipc?: number; readonly pid?: number };
  readonly host: HostFacts;
}

export interface PlanInput {
  readonly spec: Spec;
  readonly root: RootMounts;
  readonly network?: EndpointPlan;
  readonly init: boolean;
  readonly host: HostFacts;
}

/** The functions of this module, as their users call them. */
export interface RuntimeCompiler {
  /** @throws `invalid-parameter` naming the option that cannot act on this host */
  buildSpec(input: SpecInput): Spec;
  compilePlan(input: PlanInput): ProcessPlan;
  /** A plan that enters the namespaces and cgroup of a running container. */
  compileExecPlan(spec: Spec, pid: number, options: ExecOptions, host: HostFacts): ProcessPlan;
  /** The plan as `tug plan` prints it: sections, one op a line. */
  formatPlan(plan: ProcessPlan): string;
}
