import type { DeviceRule, SpecResources } from "#api/oci";
import type { AfterOp, BeforeOp, CloneSpec } from "#executor";
import type { HostReader } from "../host/reader.ts";
import type { CgroupFacts } from "../types.ts";
import { type CgroupDirectory, cgroupDirectories } from "./paths.ts";
import { v1Setup } from "./v1.ts";
import { v2Setup } from "./v2.ts";

/** A container's cgroups, as parts of its plan. */
export interface CgroupPlan {
  /** Makes the directories and sets the limits. */
  readonly before: readonly BeforeOp[];
  /** Puts the process in. */
  readonly join: CgroupJoin;
  /** Ends what is left in them and removes them. */
  readonly after: readonly AfterOp[];
}

/** Into the v2 tree a process is born; into the directories of v1 it goes by itself, before it does anything else. */
export type CgroupJoin = Pick<CloneSpec, "cgroup" | "cgroupTasks">;

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
  // /dev/net/tun, for VPNs; a container that makes it still needs CAP_NET_ADMIN to use it.
  { allow: true, type: "c", major: 10, minor: 200, access: "rwm" },
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
    join: joinCgroups(input.path, input.cgroups),
    after: leave(directories),
  };
}

/** What puts a process into a container's existing cgroups. */
export function joinCgroups(path: string, cgroups: CgroupFacts): CgroupJoin {
  const directories = cgroupDirectories(path, cgroups);
  return {
    cgroup: directories.find(({ controller }) => controller === "unified")?.path ?? "",
    cgroupTasks: directories.filter(({ controller }) => controller !== "unified").map(({ path }) => `${path}/tasks`),
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
