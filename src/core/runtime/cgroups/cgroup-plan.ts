import type { DeviceRule, SpecResources } from "#api/oci";
import type { AfterOp, BeforeOp, BesideOp } from "#executor";
import type { HostReader } from "../host/reader.ts";
import type { CgroupFacts } from "../types.ts";
import { type CgroupDirectory, cgroupDirectories } from "./paths.ts";
import { v1Setup } from "./v1.ts";
import { v2Setup } from "./v2.ts";

/** A container's cgroups, as parts of its plan. */
export interface CgroupPlan {
  /** Makes the directories and sets the limits. */
  readonly before: readonly BeforeOp[];
  /** Puts the process in; empty when it is born in its cgroup. */
  readonly beside: readonly BesideOp[];
  /** v2 directory into which the process is born; empty: none. */
  readonly cloneInto: string;
  /** Ends what is left in them and removes them. */
  readonly after: readonly AfterOp[];
}

export interface CgroupInput {
  readonly path: string;
  readonly resources: SpecResources;
  readonly cgroups: CgroupFacts;
  readonly reader: HostReader;
}

/** How long the kernel may take to let go of a cgroup whose processes have ended. */
const REMOVE_RETRY_MS = 2_000;

/**
 * What every runtime adds to the document's rules, since a container cannot live without: the default devices, terminals, and
 * making device nodes of any kind, which says nothing about opening them (opencontainers/runc, specconv `AllowedDevices`).
 */
const RUNTIME_DEVICES: readonly DeviceRule[] = [
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 8, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 7, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 9, access: "rwm" },
  { allow: true, type: "c", major: 136, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 2, access: "rwm" },
];

/** A document that says nothing of devices gets the runtime's alone. */
const DENY_ALL: readonly DeviceRule[] = [{ allow: false, access: "rwm" }];

/** @throws `invalid-parameter` for a limit that this kernel lacks */
export function cgroupPlan(request: CgroupInput): CgroupPlan {
  const devices = [...(request.resources.devices ?? DENY_ALL), ...RUNTIME_DEVICES];
  const input = { ...request, resources: { ...request.resources, devices } };
  const directories = cgroupDirectories(input.path, input.cgroups);
  const v2 = input.cgroups.mode === "v2";
  return {
    before: v2 ? v2Setup(directories, input) : v1Setup(directories, input),
    ...joinCgroups(input.path, input.cgroups),
    after: leave(directories),
  };
}

/** What puts a process into a container's existing cgroups. */
export function joinCgroups(path: string, cgroups: CgroupFacts): Pick<CgroupPlan, "beside" | "cloneInto"> {
  const directories = cgroupDirectories(path, cgroups);
  if (cgroups.mode === "v2") return { beside: [], cloneInto: directories[0]?.path ?? "" };
  return {
    beside: directories.map(({ path }) => ({ op: "join-cgroup", path: `${path}/cgroup.procs` })),
    cloneInto: "",
  };
}

/** All hierarchies hold the same processes, so that one kills them all: the v2 tree if there is one, at one stroke. */
function leave(directories: readonly CgroupDirectory[]): AfterOp[] {
  const killer = directories.find(({ controller }) => controller === "unified") ?? directories[0];
  return [
    ...(killer ? [{ op: "kill-cgroup", path: killer.path } as const] : []),
    ...directories.map(({ path }): AfterOp => ({ op: "remove", path, retryMs: REMOVE_RETRY_MS })),
  ];
}
