import { machine, release } from "node:os";
import { discoverHost, type HostBasics, type HostFacts, type HostReader } from "#core/runtime";
import { EngineError } from "#lib/errors";

/** The first Linux with mount_setattr(2), on which read-only binds rest. */
const OLDEST_KERNEL = { major: 5, minor: 12 };

/** Who runs the daemon, and on what. */
interface ThisProcess extends HostBasics {
  readonly uid: number;
}

/** Looks at the machine before anything is touched. @throws `failed-precondition` saying what is missing and what to do */
export function preflight(reader: HostReader, self: ThisProcess): HostFacts {
  if (self.uid !== 0) throw missing("tugd has to be started as root: try sudo");
  const host = discoverHost(reader, self);
  if (!isNewEnough(host)) {
    const { major, minor } = OLDEST_KERNEL;
    throw missing(`Linux ${self.kernelRelease} is too old: ${major}.${minor} or newer is needed`);
  }
  return host;
}

export function thisProcess(): ThisProcess {
  return { uid: process.getuid?.() ?? -1, machine: machine(), kernelRelease: release() };
}

function isNewEnough({ kernel }: HostFacts): boolean {
  const { major, minor } = OLDEST_KERNEL;
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

function missing(message: string): EngineError {
  return new EngineError("failed-precondition", message);
}
