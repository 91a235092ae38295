/**
 * Mounts and anonymous volumes of a container as one list: what inspect shows under `Mounts`. How binds and mounts are
 * written is the runtime's knowledge; volumes are ours, and reach the runtime as binds (`withVolumes`).
 *
 * An anonymous volume is a directory below DATA_ROOT/volumes, made with the container and removed with it on request.
 */
import { posix } from "node:path";
import type { HostConfig, Mount, MountPoint } from "#api/engine";
import { mountPoints } from "#core/runtime";
import { refused } from "./errors.ts";
import { newID, type Randomness } from "./names.ts";

/** What has to exist on the host before a container with these mounts can start. */
export interface MountPlan {
  readonly points: readonly MountPoint[];
  /** Directories to make if missing. */
  readonly createSources: readonly string[];
  /** Paths that have to exist already. */
  readonly requireSources: readonly string[];
  /** Names of anonymous volumes to make. */
  readonly newVolumes: readonly string[];
}

interface Input {
  readonly hostConfig: HostConfig;
  /** Paths that config or image declare as volumes. */
  readonly volumes: readonly string[];
  /** The mounts of another container, by reference (`--volumes-from`). */
  readonly mountsOf: (reference: string) => readonly MountPoint[];
  readonly volumePath: (name: string) => string;
  readonly random: Randomness;
}

/** @throws `invalid-parameter` for what is malformed, doubled, or a kind of mount that cannot act */
export function planMounts(input: Input): MountPlan {
  const { hostConfig } = input;
  const asked = mountPoints(withoutVolumes(hostConfig));
  const binds = asked.flatMap((point) => (point.type === "bind" ? [point] : []));
  const listed = asked.filter((point) => point.listed);
  const volumes = volumeMounts(hostConfig).map((mount) => volumeOf(mount, input));
  const taken = new Set(asked.map((point) => point.destination));
  for (const { Destination: destination = "" } of volumes) {
    if (taken.has(destination)) throw refused(`Duplicate mount point: ${destination}`);
    taken.add(destination);
  }
  const inherited = [...byDestination((hostConfig.VolumesFrom ?? []).flatMap((entry) => inherit(entry, input)))].filter(
    (point) => !taken.has(point.Destination ?? ""),
  );
  for (const point of inherited) taken.add(point.Destination ?? "");
  const declared = [...new Set(input.volumes.map(cleaned))]
    .filter((path) => !taken.has(path))
    .map((path) => anonymousVolume(path, input));
  return {
    points: [...listed.map(shown), ...volumes, ...inherited, ...declared],
    createSources: binds.filter((bind) => bind.createSource).map((bind) => bind.source),
    requireSources: binds.filter((bind) => !bind.createSource).map((bind) => bind.source),
    newVolumes: [...volumes, ...declared].map((point) => point.Name ?? ""),
  };
}

/**
 * The host config with which a container is started: volumes and what it inherits from other containers as binds. The user's
 * own binds and mounts are in there already.
 */
export function withVolumes(hostConfig: HostConfig, points: readonly MountPoint[]): HostConfig {
  const plain = withoutVolumes(hostConfig);
  const own = new Set(mountPoints(plain).map((point) => point.destination));
  const added = points
    .filter((point) => !own.has(point.Destination ?? ""))
    .map((point) => `${point.Source}:${point.Destination}:${point.RW ? "rw" : "ro"}`);
  return { ...plain, Binds: [...(plain.Binds ?? []), ...added] };
}

function withoutVolumes(hostConfig: HostConfig): HostConfig {
  return {
    ...hostConfig,
    Mounts: (hostConfig.Mounts ?? []).filter((mount) => mount.Type !== "volume" || mount.Source),
    VolumesFrom: [],
  };
}

function volumeMounts(hostConfig: HostConfig): Mount[] {
  return (hostConfig.Mounts ?? []).filter((mount) => mount.Type === "volume" && !mount.Source);
}

function shown(point: ReturnType<typeof mountPoints>[number]): MountPoint {
  const base = { Destination: point.destination, RW: point.rw };
  // There is no directory to name: layers are never unpacked.
  if (point.type === "image") {
    return { Type: "image", Name: point.reference, Source: "", ...base, Mode: "", Propagation: "rprivate" };
  }
  return point.type === "bind"
    ? { Type: "bind", Source: point.source, ...base, Mode: point.mode, Propagation: point.propagation }
    : { Type: "tmpfs", Source: "", ...base, Mode: "", Propagation: "" };
}

function volumeOf(mount: Mount, input: Input): MountPoint {
  const wrong = (why: string) => refused(`invalid mount config for type "volume": ${why}`);
  const { Target: target = "", VolumeOptions: options = {} } = mount;
  if (target === "") throw wrong("field Target must not be empty");
  if (!target.startsWith("/")) throw wrong(`invalid mount path: '${target}' mount path must be absolute`);
  if (cleaned(target) === "/") throw wrong("invalid specification: destination can't be '/'");
  if (mount.BindOptions) throw wrong("field BindOptions must not be specified");
  if (mount.TmpfsOptions) throw wrong("field TmpfsOptions must not be specified");
  if (options.Subpath) throw wrong("must not set Subpath when using anonymous volumes");
  if (
    (options.DriverConfig?.Name ?? "local") !== "local" ||
    Object.keys(options.DriverConfig?.Options ?? {}).length > 0
  ) {
    throw wrong("volume drivers and their options are not there yet: anonymous volumes are plain directories");
  }
  return { ...anonymousVolume(cleaned(target), input), RW: !mount.ReadOnly };
}

function anonymousVolume(destination: string, input: Pick<Input, "random" | "volumePath">): MountPoint {
  const name = newID(input.random);
  return {
    Type: "volume",
    Name: name,
    Source: `${input.volumePath(name)}/_data`,
    Destination: destination,
    Driver: "local",
    Mode: "",
    RW: true,
    Propagation: "",
  };
}

/** `CONTAINER[:ro|rw]` */
function inherit(entry: string, { mountsOf }: Pick<Input, "mountsOf">): MountPoint[] {
  const [reference = "", mode = "", ...rest] = entry.split(":");
  if (reference === "") throw refused("volumes-from specification cannot be an empty string");
  if (rest.length > 0 || !["", "ro", "rw", "z", "Z"].includes(mode)) throw refused(`invalid mode: ${mode}`);
  return mountsOf(reference)
    .filter((point) => point.Type === "volume" || point.Type === "bind")
    .map((point) => ({ ...point, RW: point.RW === true && mode !== "ro", Mode: mode || point.Mode || "" }));
}

/** Of several mounts on one place the last stays. */
function byDestination(points: readonly MountPoint[]): Iterable<MountPoint> {
  return new Map(points.map((point) => [point.Destination ?? "", point])).values();
}

function cleaned(path: string): string {
  return posix
    .normalize(`/${path}`)
    .replace(/^\/+/, "/")
    .replace(/(.)\/+$/, "$1");
}
