import type { HostConfig } from "#api/engine";
import type { SpecSeccomp } from "#api/oci";
import { invalid } from "../errors.ts";
import { defaultProfile, parseProfile } from "../seccomp/profile.ts";
import { resolveProfile } from "../seccomp/resolve.ts";
import type { HostFacts } from "../types.ts";
import { containerCapabilities } from "./capabilities.ts";

/** What `SecurityOpt` comes to. */
export interface Security {
  readonly noNewPrivileges: boolean;
  /** Empty: none, the process stays unconfined. */
  readonly apparmorProfile: string;
  readonly seccomp: SpecSeccomp | undefined;
  /** No masked and no read-only paths. */
  readonly systemPathsUnconfined: boolean;
  /** Whether the container may write to its cgroups; undefined: as a privileged one may. */
  readonly writableCgroups: boolean | undefined;
}

interface Choices {
  noNewPrivileges: boolean;
  apparmor: string | undefined;
  seccomp: string | undefined;
  systemPaths: string | undefined;
  writableCgroups: boolean | undefined;
}

/**
 * Reads the security options (`name=value`, the older `name:value`, or a bare `no-new-privileges`) and settles what
 * follows from them: a privileged container has neither seccomp nor AppArmor unless it asks for them.
 *
 * @throws `invalid-parameter` for an unknown option and for one that cannot act on this host
 */
export function parseSecurity(hostConfig: HostConfig, host: HostFacts): Security {
  const choices = readOptions(hostConfig);
  const privileged = hostConfig.Privileged ?? false;
  return {
    noNewPrivileges: choices.noNewPrivileges,
    apparmorProfile: apparmorProfile(choices.apparmor, { host, privileged }),
    seccomp: seccompFilter(choices.seccomp, hostConfig, host),
    systemPathsUnconfined: choices.systemPaths === "unconfined",
    writableCgroups: choices.writableCgroups,
  };
}

/** What a container's processes are under, as `inspect` shows it; empty on a host without AppArmor. */
export function confinement(hostConfig: HostConfig, host: HostFacts): string {
  if (!host.apparmor) return "";
  const { apparmor } = readOptions(hostConfig);
  return apparmorProfile(apparmor, { host, privileged: hostConfig.Privileged ?? false }) || "unconfined";
}

function readOptions({ SecurityOpt }: HostConfig): Choices {
  const choices: Choices = {
    noNewPrivileges: false,
    apparmor: undefined,
    seccomp: undefined,
    systemPaths: undefined,
    writableCgroups: undefined,
  };
  for (const option of SecurityOpt ?? []) readOption(option, choices);
  return choices;
}

function readOption(option: string, choices: Choices): void {
  if (option === "no-new-privileges") {
    choices.noNewPrivileges = true;
    return;
  }
  if (option === "writable-cgroups") {
    choices.writableCgroups = true;
    return;
  }
  const [, name, value] = /^([^=:]+)[=:](.*)$/s.exec(option) ?? [];
  if (name === undefined || value === undefined) throw invalid(`invalid --security-opt 1: ${JSON.stringify(option)}`);
  const wrong = () => invalid(`invalid --security-opt 2: ${JSON.stringify(option)}`);
  switch (name) {
    case "no-new-privileges":
      choices.noNewPrivileges = parseBoolean(value, wrong);
      break;
    case "apparmor":
      choices.apparmor = value;
      break;
    case "seccomp":
      choices.seccomp = value;
      break;
    case "systempaths":
      if (value !== "unconfined") throw wrong();
      choices.systemPaths = value;
      break;
    case "writable-cgroups":
      choices.writableCgroups = parseBoolean(value, wrong);
      break;
    case "label":
      // Labels are SELinux's, which is off in this engine as it is in Docker unless its daemon was told otherwise.
      break;
    default:
      throw wrong();
  }
}

/** Go's strconv.ParseBool. */
function parseBoolean(text: string, wrong: () => Error): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  throw wrong();
}

function apparmorProfile(choice: string | undefined, about: { host: HostFacts; privileged: boolean }): string {
  if (choice === undefined || choice === "") return about.privileged ? "" : about.host.apparmorDefault;
  if (choice === "unconfined") return "";
  if (!about.host.apparmor) throw invalid(`security option "apparmor=${choice}": AppArmor is not enabled on this host`);
  return choice;
}

function seccompFilter(choice: string | undefined, hostConfig: HostConfig, host: HostFacts): SpecSeccomp | undefined {
  if (choice === "unconfined") return undefined;
  const builtin = choice === undefined || choice === "" || choice === "builtin";
  // Docker filters no privileged container, whatever profile it names.
  if (hostConfig.Privileged) return undefined;
  if (!host.seccomp) {
    if (builtin) return undefined;
    throw invalid("seccomp is not enabled in your kernel, cannot run a custom seccomp profile");
  }
  const profile = builtin ? defaultProfile : parseProfile(choice);
  const { architecture, kernel } = host;
  return resolveProfile(profile, { architecture, kernel, capabilities: containerCapabilities(hostConfig, host) });
}
