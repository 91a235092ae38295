/**
 * What users write for mounts (`Binds`, `Mounts`, `Tmpfs`), read into one list. Wording of refusals is Docker's
 * (moby volume/mounts/linux_parser.go).
 */
import { posix } from "node:path";
import type { HostConfig, Mount } from "#api/engine";
import { EngineError } from "#lib/errors";
import { invalid } from "../errors.ts";
import { withoutNulls } from "./nulls.ts";
import { mountTmpfsOptions, tmpfsOptions } from "./tmpfs.ts";

export type MountPoint = BindPoint | TmpfsPoint;

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

const PROPAGATIONS = ["private", "rprivate", "slave", "rslave", "shared", "rshared"] as const;
export type Propagation = (typeof PROPAGATIONS)[number];

/**
 * All mounts of a request, in its order: binds, mounts, tmpfs.
 *
 * @throws `invalid-parameter` in Docker's words for a malformed one and for two at the same place; `not-implemented` for types that need volumes or images
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

/** Reads `SOURCE:DESTINATION[:OPTIONS]`. */
export function parseBind(raw: string): BindPoint {
  const [source = "", destination, mode = "", ...more] = raw.split(":");
  if (!source || more.length > 0) throw invalid(`invalid volume specification: '${raw}'`);
  if (destination === undefined) throw needsVolumes(`volume specification '${raw}'`);
  if (!source.startsWith("/")) {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(source)) throw invalid(badVolumeName(source));
    throw needsVolumes(`volume specification '${raw}'`);
  }
  if (mode === "" && isMode(destination)) throw invalid(`invalid volume specification: '${raw}'`);
  const options = parseMode(mode);
  const wrong = (why: string) =>
    invalid(`invalid volume specification: '${raw}': invalid mount config for type "bind": ${why}`);
  if (options.copy) throw wrong("field VolumeOptions must not be specified");
  return {
    type: "bind",
    source: posix.normalize(source).replace(/(.)\/$/, "$1"),
    destination: cleanDestination(destination, wrong),
    mode,
    rw: options.rw,
    propagation: options.propagation ?? "rprivate",
    recursive: true,
    recursiveReadonly: "if-possible",
    createSource: true,
    listed: true,
  };
}

function badVolumeName(name: string): string {
  return (
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" ` +
    "are allowed. If you intended to pass a host directory, use absolute path"
  );
}

function needsVolumes(what: string): EngineError {
  return new EngineError(
    "not-implemented",
    `${what} names a volume, which this engine does not have yet: give an absolute host path`,
  );
}

interface BindMode {
  readonly rw: boolean;
  readonly propagation: Propagation | undefined;
  readonly copy: boolean;
}

/** Which kind of word each option is: one of a kind may be given. Labels only mean something to SELinux hosts, consistency only to other systems. */
const MODE_WORDS: Readonly<Record<string, string>> = {
  rw: "access",
  ro: "access",
  z: "label",
  Z: "label",
  copy: "copy",
  nocopy: "copy",
  consistent: "consistency",
  cached: "consistency",
  delegated: "consistency",
  ...Object.fromEntries(PROPAGATIONS.map((word) => [word, "propagation"])),
};

function isMode(text: string): boolean {
  const kinds = text.split(",").map((word) => MODE_WORDS[word]);
  return kinds.every((kind) => kind !== undefined) && new Set(kinds).size === kinds.length;
}

function parseMode(mode: string): BindMode {
  if (mode !== "" && !isMode(mode)) throw invalid(`invalid mode: ${mode}`);
  const words = mode.split(",");
  return {
    rw: !words.includes("ro"),
    propagation: PROPAGATIONS.find((word) => words.includes(word)),
    copy: words.includes("copy") || words.includes("nocopy"),
  };
}

function cleanDestination(destination: string, wrong: (why: string) => EngineError): string {
  if (!destination.startsWith("/")) throw wrong(`invalid mount path: '${destination}' mount path must be absolute`);
  const clean = posix.normalize(destination).replace(/\/$/, "");
  if (clean === "") throw wrong("invalid specification: destination can't be '/'");
  return clean;
}

function parseMount(mount: Mount): MountPoint {
  const wrong = (why: string) => invalid(`invalid mount config for type "${mount.Type ?? ""}": ${why}`);
  const target = mount.Target ?? "";
  if (target === "") throw wrong("field Target must not be empty");
  const destination = cleanDestination(target, wrong);
  switch (mount.Type) {
    case "bind":
      return bindMount(mount, destination, wrong);
    case "tmpfs":
      return tmpfsMount(mount, destination, wrong);
    case "volume":
    case "image":
    case "cluster":
      throw new EngineError(
        "not-implemented",
        `invalid mount config for type "${mount.Type}": this engine has bind and tmpfs mounts only`,
      );
    default:
      throw wrong("mount type unknown");
  }
}

function bindMount(mount: Mount, destination: string, wrong: (why: string) => EngineError): BindPoint {
  if (mount.VolumeOptions) throw wrong("field VolumeOptions must not be specified");
  if (mount.TmpfsOptions) throw wrong("field TmpfsOptions must not be specified");
  if (mount.ImageOptions) throw wrong("field ImageOptions must not be specified");
  if (!mount.Source) throw wrong("field Source must not be empty");
  if (!mount.Source.startsWith("/")) {
    throw wrong(`invalid mount path: '${mount.Source}' mount path must be absolute`);
  }
  const options = mount.BindOptions ?? {};
  const propagation = options.Propagation || "rprivate";
  if (!PROPAGATIONS.includes(propagation)) throw wrong(`invalid propagation mode: ${propagation}`);
  if (options.ReadOnlyNonRecursive && options.ReadOnlyForceRecursive) {
    throw wrong("ReadOnlyNonRecursive and ReadOnlyForceRecursive exclude each other");
  }
  const shallow = options.ReadOnlyNonRecursive || options.NonRecursive;
  return {
    type: "bind",
    source: posix.normalize(mount.Source).replace(/(.)\/$/, "$1"),
    destination,
    mode: "",
    rw: !mount.ReadOnly,
    propagation,
    recursive: !options.NonRecursive,
    recursiveReadonly: options.ReadOnlyForceRecursive ? "always" : shallow ? "no" : "if-possible",
    createSource: options.CreateMountpoint ?? false,
    listed: true,
  };
}

function tmpfsMount(mount: Mount, destination: string, wrong: (why: string) => EngineError): TmpfsPoint {
  if (mount.BindOptions) throw wrong("field BindOptions must not be specified");
  if (mount.VolumeOptions) throw wrong("field VolumeOptions must not be specified");
  if (mount.ImageOptions) throw wrong("field ImageOptions must not be specified");
  if (mount.Source) throw wrong("field Source must not be specified");
  const readonly = mount.ReadOnly ?? false;
  const options = mountTmpfsOptions(mount.TmpfsOptions ?? {}, { readonly });
  return { type: "tmpfs", destination, rw: !readonly, options, listed: true };
}

function parseTmpfs(path: string, options: string): TmpfsPoint {
  const destination = cleanDestination(path, invalid);
  const all = tmpfsOptions(options);
  return { type: "tmpfs", destination, rw: !all.includes("ro"), options: all, listed: false };
}
