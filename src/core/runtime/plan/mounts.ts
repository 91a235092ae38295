import { posix } from "node:path";
import type { SpecIdMapping, SpecMount } from "#api/oci";
import type { IdMapping, InsideOp } from "#executor";
import { MOUNT_ATTR, MS, parseMountOptions } from "#lib/mount";
import { cgroupDirectories } from "../cgroups/paths.ts";
import { invalid } from "../errors.ts";
import type { HostNode } from "../host/reader.ts";
import type { PlanInput } from "../runtime.ts";
import { checkProcTarget } from "./proc-targets.ts";

/** The document's mounts, in its order. */
export function mountOps(input: PlanInput): InsideOp[] {
  return (input.spec.mounts ?? []).flatMap((mount) => {
    if (!mount.destination.startsWith("/")) throw invalid(`mount destination "${mount.destination}" is not absolute`);
    return mount.type === "cgroup" ? cgroupMount(mount, input) : [mountOp(mount, input)];
  });
}

function mountOp(mount: SpecMount, { reader }: PlanInput): InsideOp {
  const options = parseMountOptions(mount.options ?? []);
  const target = posix.normalize(mount.destination).replace(/(.)\/$/, "$1");
  const source = mount.source ?? "";
  const bind = options.bind || mount.type === "bind";
  checkProcTarget({ target, source, type: bind ? "bind" : (mount.type ?? "") });
  if (bind) {
    if (!source.startsWith("/")) throw invalid(`bind mount source "${source}" is not absolute`);
    const mapped = options.idmap || Boolean(mount.uidMappings?.length);
    return {
      op: "bind",
      source,
      target,
      create: isFile(reader.stat(source)) ? "file" : "directory",
      recursive: options.recursive,
      set: options.set,
      clear: options.clear,
      recursiveAttributes: options.recursiveAttributes,
      propagation: options.propagation,
      uidMap: mapped ? idMap(mount.uidMappings) : [],
      gidMap: mapped ? idMap(mount.gidMappings) : [],
      copyUp: false,
    };
  }
  return {
    op: "mount",
    target,
    type: mount.type ?? "none",
    source,
    flags: options.flags,
    options: options.data,
    copyUp: options.copyUp,
  };
}

/** A source that is not there yet is a directory that the plan makes, or fails in the executor with the path in its message. */
function isFile(node: HostNode | undefined): boolean {
  return node !== undefined && node.kind !== "directory";
}

export function idMap(mappings: readonly SpecIdMapping[] | undefined): IdMapping[] {
  return (mappings ?? []).map(({ containerID, hostID, size }) => ({ containerId: containerID, hostId: hostID, size }));
}

/**
 * /sys/fs/cgroup. On v2 the tree itself, which a cgroup namespace cuts to the container's part. On v1 a tmpfs with a mount
 * for each hierarchy: the container's directory, or in a cgroup namespace the hierarchy afresh.
 */
function cgroupMount(mount: SpecMount, input: PlanInput): InsideOp[] {
  const { cgroups } = input.host;
  const options = parseMountOptions(mount.options ?? []);
  const target = posix.normalize(mount.destination);
  if (cgroups.mode === "v2") {
    // In the host's own namespace a fresh mount would set the options of the whole machine's tree anew (nsdelegate …).
    if (!isNamespaced(input)) return [bindCgroup(cgroups.unified, target, options.set)];
    return [
      { op: "mount", target, type: "cgroup2", source: "cgroup", flags: options.flags, options: [], copyUp: false },
    ];
  }
  const writable = options.flags & ~MS.RDONLY;
  return [
    { op: "mount", target, type: "tmpfs", source: "tmpfs", flags: writable, options: ["mode=755"], copyUp: false },
    ...hierarchies(target, { flags: options.flags, set: options.set }, input),
    ...comountedNames(target, input),
  ];
}

function hierarchies(target: string, { flags, set }: { flags: number; set: number }, input: PlanInput): InsideOp[] {
  const { cgroups } = input.host;
  const namespaced = isNamespaced(input);
  const directories = cgroupDirectories(input.spec.linux?.cgroupsPath ?? "", cgroups).filter(
    ({ mount }) => mount !== cgroups.unified,
  );
  return directories.map(({ mount, path }): InsideOp => {
    const place = posix.join(target, posix.basename(mount));
    if (namespaced) {
      const names = Object.keys(cgroups.v1).filter((controller) => cgroups.v1[controller] === mount);
      return { op: "mount", target: place, type: "cgroup", source: "cgroup", flags, options: names, copyUp: false };
    }
    return bindCgroup(path, place, set);
  });
}

function isNamespaced({ spec }: PlanInput): boolean {
  return spec.linux?.namespaces?.some(({ type }) => type === "cgroup") ?? false;
}

function bindCgroup(source: string, target: string, set: number): InsideOp {
  return {
    op: "bind",
    source,
    target,
    create: "directory",
    recursive: false,
    set,
    clear: 0,
    recursiveAttributes: false,
    propagation: MS.PRIVATE,
    uidMap: [],
    gidMap: [],
    copyUp: false,
  };
}

/** `cpu` beside `cpu,cpuacct`: the names that programs look for. */
function comountedNames(target: string, { host }: PlanInput): InsideOp[] {
  return Object.entries(host.cgroups.v1).flatMap(([controller, mount]) => {
    const directory = posix.basename(mount);
    if (controller.startsWith("name=") || directory === controller) return [];
    return [{ op: "symlink", target: posix.join(target, controller), linkTo: directory } as const];
  });
}

/**
 * v1 hierarchies hang in a tmpfs that could only be made read-only once they were in it: that is done after the pivot.
 */
export function cgroupRemounts({ spec, host }: PlanInput): InsideOp[] {
  if (host.cgroups.mode === "v2") return [];
  return (spec.mounts ?? []).flatMap((mount): InsideOp[] => {
    const readonly = parseMountOptions(mount.options ?? []).set & MOUNT_ATTR.RDONLY;
    return mount.type === "cgroup" && readonly ? [{ op: "readonly", target: posix.normalize(mount.destination) }] : [];
  });
}
