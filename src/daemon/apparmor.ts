import { defaultAppArmorProfile, type HostFacts, type HostReader, loadedAppArmorProfile } from "#core/runtime";
import type { Logger } from "#lib/log";
import type { Capture } from "./capture.ts";

interface Tools {
  readonly reader: HostReader;
  readonly logger: Logger;
  readonly capture: Capture;
  /** The path of `apparmor_parser`, if it is installed. */
  readonly parser: string | undefined;
}

/** Where it may be, whatever PATH the daemon was started with. */
const PARSER_PATH = "/usr/local/sbin:/usr/sbin:/sbin";
/** Replaces a profile that is there, uses no cache, and reads the profile from its standard input. */
const REPLACE = ["--replace", "--skip-cache", "--quiet"];

/**
 * Loads the default AppArmor profile where the kernel has AppArmor, and gives the facts as they are then. The kernel takes
 * compiled policy only, so that this needs AppArmor's own compiler. Without it containers are confined by a default
 * profile that somebody else loaded, or by none: that is logged and told by `info`, and no reason to run nothing at all.
 */
export async function loadAppArmor(host: HostFacts, { reader, logger, capture, parser }: Tools): Promise<HostFacts> {
  if (!host.apparmor) return host;
  const failure = parser ? await replaceProfile(parser, capture) : "apparmor_parser is not installed";
  const apparmorDefault = loadedAppArmorProfile(reader);
  if (failure) {
    logger.warn("default AppArmor profile not loaded", {
      reason: failure,
      consequence: apparmorDefault
        ? `containers run under ${apparmorDefault}`
        : "containers run without AppArmor: install the package apparmor and restart tugd",
    });
  }
  return { ...host, apparmorDefault };
}

export function findAppArmorParser(): string | undefined {
  return Bun.which("apparmor_parser", { PATH: PARSER_PATH }) ?? undefined;
}

/** Undefined when it is loaded, else why not. */
async function replaceProfile(parser: string, capture: Capture): Promise<string | undefined> {
  const { exitCode, stderr } = await capture([parser, ...REPLACE], defaultAppArmorProfile());
  return exitCode === 0 ? undefined : `apparmor_parser: ${stderr.trim() || `exit code ${exitCode}`}`;
}
