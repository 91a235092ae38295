import type { SpecMount } from "#api/oci";
import { invalid } from "../errors.ts";
import type { SpecInput } from "../runtime.ts";
import type { HostFacts } from "../types.ts";
import { DEFAULT_SHM_BYTES, defaultMounts } from "./defaults.ts";
import type { NamespaceModes } from "./modes.ts";
import type { BindPoint, ImagePoint, MountPoint } from "./mount-point.ts";
import { mountPoints } from "./mount-points.ts";
import { checkPropagation } from "./propagation.ts";
import type { Security } from "./security.ts";

/**
 * All mounts in the order in which they are made: Docker's own, unless the user mounts something at the same place, then
 * the container's files and the user's mounts, outer before inner.
 */
export function buildMounts(input: SpecInput, modes: NamespaceModes, security: Security): SpecMount[] {
  const points = mountPoints(input.hostConfig);
  const taken = new Set(points.map((point) => point.destination));
  const privileged = input.hostConfig.Privileged ?? false;
  const usual = defaultMounts({ privileged, writableCgroups: security.writableCgroups ?? privileged });
  const own = [...usual, ...shmMount(input, modes)];
  const later = [...points.map((point) => pointMount(point, input)), ...fileMounts(input)].filter(
    (mount, index) => index < points.length || !taken.has(mount.destination),
  );
  return [
    ...own.filter((mount) => !taken.has(mount.destination)),
    ...later.sort((a, b) => depth(a.destination) - depth(b.destination)),
  ];
}

function depth(path: string): number {
  return path.split("/").length;
}

/** /dev/shm: a tmpfs of the container's own, the host's, or one that containers share; none at all with `--ipc none`. */
function shmMount({ hostConfig, shmPath }: SpecInput, modes: NamespaceModes): SpecMount[] {
  const bound = (source: string): SpecMount[] => [
    { destination: "/dev/shm", type: "bind", source, options: ["rbind", "rprivate"] },
  ];
  switch (modes.ipc) {
    case "none":
      return [];
    case "host":
      return bound("/dev/shm");
    case "shareable":
    case "container":
      if (!shmPath) throw invalid(`IPC mode ${modes.ipc}: the shared /dev/shm is missing`);
      return bound(shmPath);
    case "private": {
      const size = `size=${hostConfig.ShmSize || DEFAULT_SHM_BYTES}`;
      const options = ["nosuid", "noexec", "nodev", "mode=1777", size];
      return [{ destination: "/dev/shm", type: "tmpfs", source: "shm", options }];
    }
  }
}

function fileMounts({ files, hostConfig, host }: SpecInput): SpecMount[] {
  const readonly = hostConfig.ReadonlyRootfs ? [hasRecursiveReadonly(host) ? "rro" : "ro"] : [];
  return (
    [
      ["/etc/resolv.conf", files.resolvConf],
      ["/etc/hostname", files.hostname],
      ["/etc/hosts", files.hosts],
    ] as const
  )
    .filter(([, source]) => source !== "")
    .map(([destination, source]) => ({
      destination,
      type: "bind",
      source,
      options: ["rbind", ...readonly, "rprivate"],
    }));
}

function pointMount(point: MountPoint, input: SpecInput): SpecMount {
  const { destination } = point;
  const { host, reader } = input;
  if (point.type === "tmpfs") return { destination, type: "tmpfs", source: "tmpfs", options: point.options };
  if (point.type === "image") {
    return { destination, type: "bind", source: imagePath(point, input), options: ["rbind", "ro", "rprivate"] };
  }
  checkPropagation(point, reader);
  const options = [point.recursive ? "rbind" : "bind", ...readonlyOption(point, host), point.propagation];
  return { destination, type: "bind", source: point.source, options };
}

function imagePath({ destination }: ImagePoint, { images }: SpecInput): string {
  const path = images.get(destination);
  if (!path) throw invalid(`image mount "${destination}": its image is missing`);
  return path;
}

function readonlyOption(point: BindPoint, host: HostFacts): string[] {
  if (point.rw) return [];
  if (point.recursiveReadonly === "no") return ["ro"];
  if (hasRecursiveReadonly(host)) return ["rro"];
  if (point.recursiveReadonly === "always") {
    throw invalid(`mount "${point.destination}": recursively read-only mounts need Linux 5.12`);
  }
  return ["ro"];
}

/** mount_setattr(2) with AT_RECURSIVE came with Linux 5.12. */
function hasRecursiveReadonly({ kernel }: HostFacts): boolean {
  return kernel.major > 5 || (kernel.major === 5 && kernel.minor >= 12);
}
