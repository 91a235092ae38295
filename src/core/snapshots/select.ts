import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Executor, HostOp } from "#executor";
import { type DirectoryInode, writeErofs } from "#lib/erofs";
import { EngineError, messageOf } from "#lib/errors";
import { byteString } from "#lib/fs";
import type { DriverOptions } from "./driver.ts";
import { createErofsSnapshotter } from "./erofs.ts";
import { createOverlaySnapshotter } from "./overlay.ts";
import type { Snapshotter } from "./snapshot.ts";
import { createVfsSnapshotter } from "./vfs.ts";

/** In the order of preference. */
const DRIVERS = ["erofs", "overlay", "vfs"] as const;

export type DriverName = (typeof DRIVERS)[number];

const CREATE: Readonly<Record<DriverName, (options: DriverOptions) => Promise<Snapshotter>>> = {
  erofs: createErofsSnapshotter,
  overlay: createOverlaySnapshotter,
  vfs: createVfsSnapshotter,
};

export interface SelectOptions extends Omit<DriverOptions, "root"> {
  /** Holds a directory for each driver. */
  readonly root: string;
  /** Without it: the driver that this root was used with, else the best that works here. */
  readonly preferred?: DriverName | undefined;
  /** Told of each better driver that does not work here, and what is missing. */
  readonly passedOver?: (name: DriverName, reason: string) => void;
}

/**
 * Opens the driver of a root.
 *
 * @throws `failed-precondition` when the preferred driver, or the one that this root was used with, does not work here,
 *   saying what is missing
 */
export async function selectSnapshotter(options: SelectOptions): Promise<Snapshotter> {
  const { preferred, root } = options;
  const name = preferred ?? (await driverOf(root));
  if (name === undefined) return await open(await bestDriver(options), options);
  const reason = await whyNot(name, options);
  if (reason !== undefined) throw new EngineError("failed-precondition", `storage driver "${name}": ${reason}`);
  return await open(name, options);
}

/** The last one works everywhere. */
async function bestDriver(options: SelectOptions): Promise<DriverName> {
  for (const name of DRIVERS) {
    const reason = await whyNot(name, options);
    if (reason === undefined) return name;
    options.passedOver?.(name, reason);
  }
  throw new EngineError("failed-precondition", "no storage driver works here");
}

async function open(name: DriverName, options: SelectOptions): Promise<Snapshotter> {
  return await CREATE[name]({ ...options, root: join(options.root, name) });
}

/** Docker's names are understood where they mean the same. @throws `invalid-parameter` */
export function parseDriverName(text: string): DriverName {
  const name = text === "overlay2" ? "overlay" : DRIVERS.find((driver) => driver === text);
  if (name === undefined)
    throw new EngineError("invalid-parameter", `unknown storage driver "${text}": use one of ${DRIVERS.join(", ")}`);
  return name;
}

async function driverOf(root: string): Promise<DriverName | undefined> {
  for (const name of DRIVERS) {
    try {
      await access(join(root, name));
      return name;
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

/** Tries a driver on a small tree in `root`. @returns what is missing, or undefined when it works */
async function whyNot(
  name: DriverName,
  options: Pick<SelectOptions, "root" | "executor">,
): Promise<string | undefined> {
  if (name === "vfs") return undefined;
  await mkdir(options.root, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(options.root, "probe-"));
  try {
    return await tryDriver(name, options.executor, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Overlayfs over a directory, then over an image: filesystems can be stacked only so high. */
async function tryDriver(name: "erofs" | "overlay", executor: Executor, folder: string): Promise<string | undefined> {
  const at = (part: string) => join(folder, part);
  for (const part of ["lower", "upper", "work", "root", "image-root"]) await mkdir(at(part));
  await writeFile(at("lower/file"), CONTENT);
  const overlay = (lower: string): HostOp => {
    return { op: "mount-overlay", path: at("root"), lower: [lower], upper: at("upper"), work: at("work"), options: [] };
  };
  const noOverlay = await tryMounts(executor, [overlay(at("lower"))], at("root"));
  if (noOverlay !== undefined) return `overlayfs cannot be mounted on "${folder}": ${noOverlay}`;
  if (name === "overlay") return undefined;

  const data = { path: at("lower/file"), sizeBytes: CONTENT.length, tag: "probe" };
  await writeErofs(at("image"), probeTree(), [data]);
  const image: HostOp = { op: "mount-erofs", path: at("image-root"), image: at("image"), devices: [data.path] };
  const noErofs = await tryMounts(executor, [image], at("image-root"));
  if (noErofs !== undefined)
    return `EROFS cannot be mounted from files, which takes Linux 6.12 or later with EROFS_FS_BACKED_BY_FILE: ${noErofs}`;
  const noStack = await tryMounts(executor, [image, overlay(at("image-root"))], at("root"));
  return noStack && `overlayfs cannot be mounted over EROFS on "${folder}": ${noStack}`;
}

const CONTENT = "tug";

function probeTree(): DirectoryInode {
  const attributes = { mode: 0o755, uid: 0, gid: 0, seconds: 0, nanoseconds: 0, xattrs: new Map() };
  const data = { source: 0, offset: 0 };
  const file = { ...attributes, type: "file", size: CONTENT.length, data } as const;
  return { ...attributes, type: "directory", children: new Map([[byteString("file"), file]]) };
}

/** @returns why the content does not come back, or undefined when it does */
async function tryMounts(executor: Executor, mounts: readonly HostOp[], root: string): Promise<string | undefined> {
  const read: HostOp = { op: "read-in-root", root, target: "file", limitBytes: CONTENT.length };
  try {
    const content = (await executor.run([{ op: "unshare-mounts" }, ...mounts, read])).at(-1);
    return Buffer.from(content ?? []).toString() === CONTENT ? undefined : "the content does not come back";
  } catch (error) {
    return messageOf(error);
  }
}
