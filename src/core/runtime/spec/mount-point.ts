import { posix } from "node:path";

/** What a user wants to find at a place in the container. */
export type MountPoint = BindPoint | TmpfsPoint | ImagePoint;

interface PointBase {
  /** Absolute and clean. */
  readonly destination: string;
  readonly rw: boolean;
  /** Comes from `Tmpfs`, which inspect does not list among the mounts. */
  readonly listed: boolean;
}

export interface BindPoint extends PointBase {
  readonly type: "bind";
  readonly source: string;
  /** The options as typed after the last colon of a bind. */
  readonly mode: string;
  readonly propagation: Propagation;
  readonly recursive: boolean;
  /** How far read-only goes: mounts below the source too, where the kernel can (`if-possible`) or else not at all (`always`). */
  readonly recursiveReadonly: "no" | "if-possible" | "always";
  /** Whether a missing source is made, as a directory. */
  readonly createSource: boolean;
}

export interface TmpfsPoint extends PointBase {
  readonly type: "tmpfs";
  readonly options: readonly string[];
}

/** The files of an image, read-only. */
export interface ImagePoint extends PointBase {
  readonly type: "image";
  /** The image as the user named it. */
  readonly reference: string;
  /** Relative, and within it; empty: all of it. */
  readonly subpath: string;
}

export const PROPAGATIONS = ["private", "rprivate", "slave", "rslave", "shared", "rshared"] as const;
export type Propagation = (typeof PROPAGATIONS)[number];

/** @throws what `wrong` makes of the reason, when the path is not absolute or is the root */
export function cleanDestination(destination: string, wrong: (why: string) => Error): string {
  if (!destination.startsWith("/")) throw wrong(`invalid mount path: '${destination}' mount path must be absolute`);
  const clean = posix.normalize(destination).replace(/\/$/, "");
  if (clean === "") throw wrong("invalid specification: destination can't be '/'");
  return clean;
}

export function cleanSource(source: string): string {
  return posix.normalize(source).replace(/(.)\/$/, "$1");
}
