import { spawnSync } from "node:child_process";
import { arch, release } from "node:os";
import { discoverHost, type HostFacts, type HostReader } from "#core/runtime";
import { EngineError } from "#lib/errors";
import type { DriverName } from "./drivers.ts";

/** The first Linux with mount_setattr(2), on which read-only binds rest. */
const OLDEST_KERNEL = { major: 5, minor: 12 };
/** The first Linux that mounts an EROFS image from a file. */
const EROFS_KERNEL = { major: 6, minor: 12 };

/** Looks at the machine before anything is touched. @throws `failed-precondition` saying what is missing and what to do */
export function preflight(reader: HostReader): HostFacts {
  if (process.getuid?.() !== 0) throw missing("tugd has to be started as root: try sudo");
  const host = discoverHost(reader, { machine: arch() === "arm64" ? "aarch64" : "x86_64", kernelRelease: release() });
  if (!isAtLeast(host, OLDEST_KERNEL)) {
    throw missing(`Linux ${release()} is too old: ${OLDEST_KERNEL.major}.${OLDEST_KERNEL.minor} or newer is needed`);
  }
  return host;
}

/** The storage driver to use: the one asked for, or the best one. @throws `failed-precondition` when this kernel cannot do it */
export function chooseDriver(asked: DriverName | undefined, host: HostFacts, reader: HostReader): DriverName {
  const overlay = hasFilesystem("overlay", reader);
  const erofs = overlay && isAtLeast(host, EROFS_KERNEL) && hasFilesystem("erofs", reader);
  if (asked === "erofs" && !erofs) {
    throw missing(
      "storage driver erofs needs Linux 6.12 or newer with the modules erofs and overlay: use --storage-driver=overlay",
    );
  }
  if (asked === "overlay" && !overlay) {
    throw missing("storage driver overlay needs the module overlay: try `modprobe overlay`, or --storage-driver=vfs");
  }
  if (asked) return asked;
  return erofs ? "erofs" : overlay ? "overlay" : "vfs";
}

/** Modules that are not loaded are asked for once; without modprobe what is there has to do. */
function hasFilesystem(name: string, reader: HostReader): boolean {
  const isThere = () => new RegExp(`\\t${name}$`, "m").test(reader.readText("/proc/filesystems") ?? "");
  if (isThere()) return true;
  spawnSync("modprobe", [name], { stdio: "ignore" });
  return isThere();
}

function isAtLeast({ kernel }: HostFacts, { major, minor }: { major: number; minor: number }): boolean {
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

function missing(message: string): EngineError {
  return new EngineError("failed-precondition", message);
}
