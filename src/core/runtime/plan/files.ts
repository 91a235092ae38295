import { posix } from "node:path";
import type { RootMounts } from "#core/snapshots";
import type { HostOp } from "#executor";
import { MOUNT_ATTR, MS } from "#lib/mount";
import { capabilityMask } from "../linux/capabilities.ts";
import { rlimitNumber } from "../linux/rlimits.ts";
import { rootMountOps } from "./compile.ts";

/** A directory tree that is opened in each level while it is walked: as deep as a path of 4096 bytes can lead, two trees at once. */
const OPEN_FILES = 8192;
/** The names of one directory are sorted in memory. A container that makes some ten millions of them fails by itself. */
const MEMORY_BYTES = 2 * 1024 * 1024 * 1024;

/** Where a root filesystem comes from: mounted by a running process, or to be mounted. */
export type FilesRoot =
  | { readonly pid: number; readonly startTicks: number; readonly path: string }
  | (RootMounts & { readonly scratch?: string });

/** Something of the host that is mounted in a container. */
export interface FilesBind {
  readonly source: string;
  readonly target: string;
  readonly create: "directory" | "file";
  readonly readonly: boolean;
}

/**
 * A host plan that looks into a container's files, or changes them, from a mount namespace of its own: the root filesystem,
 * what is mounted over it, nothing else. It gives up all rights that this does not take. What is to be done there
 * (`resolve`, `walk`, `receive`) is the caller's to append.
 */
export function filesPlan({
  root,
  binds,
  writable,
}: {
  readonly root: FilesRoot;
  readonly binds: readonly FilesBind[];
  readonly writable: boolean;
}): HostOp[] {
  return [
    ...openRoot(root),
    { op: "root", path: root.path },
    ...outermostFirst(binds).map((bind) => bindOp(bind, writable)),
    { op: "pivot", propagation: 0, readonly: !writable },
    ...confine(writable ? WRITING : READING),
  ];
}

/** The same for files of the host, with the one right more that overlayfs's marks take. */
export function treePlan(mounts: RootMounts): HostOp[] {
  const shared = rootMountOps({ ...mounts, own: [] });
  const own = rootMountOps({ ...mounts, shared: [] });
  return [...shared, { op: "unshare-mounts" }, ...own, ...confine([...READING, "CAP_SYS_ADMIN"])];
}

const READING = ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"];
const WRITING = [...READING, "CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETFCAP"];

function openRoot(root: FilesRoot): HostOp[] {
  if ("pid" in root) return [{ op: "unshare-mounts" }, { op: "mount-root-of", ...root }];
  return [
    ...rootMountOps({ ...root, own: [] }),
    { op: "unshare-mounts" },
    ...(root.scratch ? makeScratch(root.scratch) : []),
    ...rootMountOps({ ...root, shared: [] }),
  ];
}

/** The directories of `scratchOf`. They only ever hold mount points. */
function makeScratch(path: string): HostOp[] {
  const { upper, work } = scratchOf(path);
  return [
    { op: "mount-tmpfs", path, flags: MS.NOSUID | MS.NODEV, options: ["mode=755", "size=4m"] },
    { op: "mkdir", path: upper, mode: 0o755, parents: false },
    { op: "mkdir", path: work, mode: 0o755, parents: false },
  ];
}

/** Two directories of a tmpfs that is mounted at a path for one look. */
export function scratchOf(path: string): { upper: string; work: string } {
  return { upper: posix.join(path, "upper"), work: posix.join(path, "work") };
}

function outermostFirst(binds: readonly FilesBind[]): FilesBind[] {
  return [...binds].sort((a, b) => a.target.split("/").length - b.target.split("/").length);
}

function bindOp({ source, target, create, readonly }: FilesBind, writable: boolean): HostOp {
  return {
    op: "bind",
    source,
    target,
    create,
    recursive: true,
    set: readonly || !writable ? MOUNT_ATTR.RDONLY : 0,
    clear: 0,
    recursiveAttributes: !writable,
    propagation: MS.PRIVATE | MS.REC,
    uidMap: [],
    gidMap: [],
    copyUp: false,
  };
}

function confine(capabilities: readonly string[]): HostOp[] {
  const mask = capabilityMask(capabilities);
  return [
    limit("nofile", OPEN_FILES),
    limit("as", MEMORY_BYTES),
    { op: "capabilities", bounding: mask, effective: mask, permitted: mask, inheritable: 0n, ambient: 0n },
  ];
}

function limit(name: string, value: number): HostOp {
  return { op: "rlimit", resource: rlimitNumber(name) ?? 0, soft: value, hard: value };
}
