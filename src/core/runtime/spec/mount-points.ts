/**
 * What users write for mounts (`Binds`, `Mounts`, `Tmpfs`), read into one list. Wording of refusals is Docker's
 * (moby volume/mounts/linux_parser.go).
 */
import { posix } from "node:path";
import type { HostConfig, Mount } from "#api/engine";
import { EngineError } from "#lib/errors";
import { invalid } from "../errors.ts";
import { parseBind } from "./bind-text.ts";
import {
  type BindPoint,
  cleanDestination,
  cleanSource,
  type ImagePoint,
  type MountPoint,
  PROPAGATIONS,
  type TmpfsPoint,
} from "./mount-point.ts";
import { withoutNulls } from "./nulls.ts";
import { mountTmpfsOptions, tmpfsOptions } from "./tmpfs.ts";

/**
 * All mounts of a request, in its order: binds, mounts, tmpfs.
 *
 * @throws `invalid-parameter` in Docker's words for a malformed one and for two at the same place; `not-implemented` for types that need volumes
 */
export function mountPoints(asked: Pick<HostConfig, "Binds" | "Mounts" | "Tmpfs">): MountPoint[] {
  const hostConfig = withoutNulls(asked);
  const points = [
    ...(hostConfig.Binds ?? []).map(parseBind),
    ...(hostConfig.Mounts ?? []).map(parseMount),
    ...Object.entries(hostConfig.Tmpfs ?? {}).map(([path, options]) => parseTmpfs(path, options)),
  ];
  const taken = new Set<string>();
  for (const { destination } of points) {
    if (taken.has(destination)) throw invalid(`Duplicate mount point: ${destination}`);
    taken.add(destination);
  }
  return points;
}

function parseMount(mount: Mount): MountPoint {
  const wrong = (why: string) => invalid(`invalid mount config for type "${mount.Type ?? ""}": ${why}`);
  const target = mount.Target ?? "";
  if (target === "") throw wrong("field Target must not be empty");
  const destination = cleanDestination(target, wrong);
  checkOptions(mount, wrong);
  switch (mount.Type) {
    case "bind":
      return bindMount(mount, destination, wrong);
    case "tmpfs":
      return tmpfsMount(mount, destination, wrong);
    case "image":
      return imageMount(mount, destination, wrong);
    case "volume":
      throw new EngineError(
        "not-implemented",
        `invalid mount config for type "${mount.Type}": this engine has bind and tmpfs mounts only`,
      );
    default:
      throw wrong("mount type unknown");
  }
}

const OPTION_TYPES = { BindOptions: "bind", VolumeOptions: "volume", TmpfsOptions: "tmpfs", ImageOptions: "image" };

/** Docker words it in two ways: clients' old checks, and the one that came with image mounts. */
function checkOptions(mount: Mount, wrong: (why: string) => Error): void {
  for (const [field, type] of Object.entries(OPTION_TYPES)) {
    if (!(field in mount) || mount.Type === type) continue;
    if (field === "ImageOptions") throw wrong("field ImageOptions must not be specified");
    throw invalid(`${field} must not be specified on mount type "${mount.Type ?? ""}"`);
  }
}

function bindMount(mount: Mount, destination: string, wrong: (why: string) => Error): BindPoint {
  if (!mount.Source) throw wrong("field Source must not be empty");
  if (!mount.Source.startsWith("/")) {
    throw wrong(`invalid mount path: '${mount.Source}' mount path must be absolute`);
  }
  const options = mount.BindOptions ?? {};
  const propagation = options.Propagation || "rprivate";
  if (!PROPAGATIONS.includes(propagation)) throw wrong(`invalid propagation mode: ${propagation}`);
  checkReadonly(mount);
  return {
    type: "bind",
    source: cleanSource(mount.Source),
    destination,
    mode: "",
    rw: !mount.ReadOnly,
    propagation,
    recursive: !options.NonRecursive,
    recursiveReadonly: options.ReadOnlyForceRecursive ? "always" : options.ReadOnlyNonRecursive ? "no" : "if-possible",
    createSource: options.CreateMountpoint ?? false,
    listed: true,
  };
}

function checkReadonly({ ReadOnly, BindOptions = {} }: Mount): void {
  const conflict = (what: string) => invalid(`mount options conflict: ${what}`);
  const { ReadOnlyNonRecursive, ReadOnlyForceRecursive } = BindOptions;
  if (!ReadOnly && ReadOnlyNonRecursive) throw conflict("!ReadOnly && BindOptions.ReadOnlyNonRecursive");
  if (!ReadOnly && ReadOnlyForceRecursive) throw conflict("!ReadOnly && BindOptions.ReadOnlyForceRecursive");
  if (ReadOnlyNonRecursive && ReadOnlyForceRecursive) {
    throw conflict("ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive");
  }
}

function tmpfsMount(mount: Mount, destination: string, wrong: (why: string) => Error): TmpfsPoint {
  if (mount.Source) throw wrong("field Source must not be specified");
  const readonly = mount.ReadOnly ?? false;
  const options = mountTmpfsOptions(mount.TmpfsOptions ?? {}, { readonly, wrong });
  return { type: "tmpfs", destination, rw: !readonly, options, listed: true };
}

function imageMount(mount: Mount, destination: string, wrong: (why: string) => Error): ImagePoint {
  if (!mount.Source) throw wrong("field Source must not be empty");
  const subpath = mount.ImageOptions?.Subpath ?? "";
  const clean = posix.normalize(subpath);
  if (clean.startsWith("/") || clean === ".." || clean.startsWith("../")) {
    throw wrong("subpath must be a relative path within the volume");
  }
  return {
    type: "image",
    reference: mount.Source,
    subpath: clean === "." ? "" : clean,
    destination,
    rw: false,
    listed: true,
  };
}

function parseTmpfs(path: string, options: string): TmpfsPoint {
  const destination = cleanDestination(path, invalid);
  const all = tmpfsOptions(options);
  return { type: "tmpfs", destination, rw: !all.includes("ro"), options: all, listed: false };
}
