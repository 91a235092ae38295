import { posix } from "node:path";
import type { ContainerConfig } from "#api/engine";
import type { CapabilitySets, Process, Rlimit } from "#api/oci";
import { invalid } from "../errors.ts";
import { rlimitNumber } from "../linux/rlimits.ts";
import type { SpecInput } from "../runtime.ts";
import type { HostFacts, ResolvedUser } from "../types.ts";
import { containerCapabilities } from "./capabilities.ts";
import { DEFAULT_OPEN_FILES, DEFAULT_PATH } from "./defaults.ts";
import type { Security } from "./security.ts";

export function buildProcess(input: SpecInput, security: Security): Process {
  const { config, hostConfig, user } = input;
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  return {
    ...(config.Tty ? { terminal: true } : {}),
    ...(config.Tty && height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: allGroups(user) },
    args: input.argv,
    env: containerEnvironment(input),
    cwd: workingDirectory(config.WorkingDir ?? ""),
    capabilities: sameSets(containerCapabilities(hostConfig, input.host)),
    rlimits: rlimits(hostConfig.Ulimits ?? [], input.host),
    ...(security.noNewPrivileges ? { noNewPrivileges: true } : {}),
    ...(security.apparmorProfile ? { apparmorProfile: security.apparmorProfile } : {}),
    oomScoreAdj: hostConfig.OomScoreAdj ?? 0,
  };
}

/** As Docker: the first group is a supplementary one too. */
export function allGroups({ gid, groups }: ResolvedUser): number[] {
  return [...new Set([gid, ...groups])];
}

/** Inheritable and ambient stay empty, so that nothing crosses an exec to a process that is not root. */
function sameSets(names: readonly string[]): CapabilitySets {
  return { bounding: names, effective: names, permitted: names };
}

/** @throws `invalid-parameter` when it is not absolute */
function workingDirectory(path: string): string {
  if (path === "") return "/";
  if (!path.startsWith("/")) {
    throw invalid(`the working directory '${path}' is invalid, it needs to be an absolute path`);
  }
  return posix.normalize(path).replace(/(.)\/$/, "$1");
}

/** The variables of a container's first process; HOME from the user's record where it is not set. */
function containerEnvironment({ config, environment, user }: SpecInput): string[] {
  return withHome(baseEnvironment(config, { tty: config.Tty === true, environment }), user.home);
}

/**
 * PATH, HOSTNAME and, with a terminal, TERM as Docker sets them for every process, and what `environment` adds, overridden by the
 * container's own variables.
 */
export function baseEnvironment(
  config: ContainerConfig,
  { tty, environment }: { readonly tty: boolean; readonly environment: readonly string[] },
): string[] {
  const own = [DEFAULT_PATH, `HOSTNAME=${config.Hostname ?? ""}`, ...(tty ? ["TERM=xterm"] : [])];
  const defaults = [...own, ...environment];
  return mergeEnvironment(defaults, config.Env ?? []);
}

/**
 * Lays variables over others: one that is there keeps its place and gets the new value, a name without `=` takes it
 * away, and of several with one name the last counts.
 */
export function mergeEnvironment(base: readonly string[], over: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of [...base, ...over]) {
    const name = entry.split("=", 1)[0] ?? "";
    if (entry.includes("=")) merged.set(name, entry);
    else merged.delete(name);
  }
  return [...merged.values()];
}

/** runc's rule: HOME is set for every process that has none. */
export function withHome(environment: readonly string[], home: string): string[] {
  return environment.some((entry) => entry.startsWith("HOME=")) ? [...environment] : [...environment, `HOME=${home}`];
}

interface Ulimit {
  readonly Name?: string;
  readonly Soft?: number;
  readonly Hard?: number;
}

/** The daemon raises its own soft limit on open files to the hard one, which containers shall not inherit. */
function rlimits(ulimits: readonly Ulimit[], { openFiles: hard }: HostFacts): Rlimit[] {
  const asked = ulimits.map(rlimit);
  if (asked.some(({ type }) => type === OPEN_FILES)) return asked;
  return [...asked, { type: OPEN_FILES, hard, soft: Math.min(DEFAULT_OPEN_FILES, hard) }];
}

const OPEN_FILES = "RLIMIT_NOFILE";

/** @throws `invalid-parameter` in the words of go-units */
export function rlimit({ Name: name = "", Soft: soft = 0, Hard: hard = 0 }: Ulimit): Rlimit {
  if (rlimitNumber(name) === undefined || name !== name.toLowerCase()) throw invalid(`invalid ulimit type: ${name}`);
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw invalid(
      `ulimit soft limit must be less than or equal to hard limit: ${soft === -1 ? "unlimited" : soft} > ${hard}`,
    );
  }
  return { type: `RLIMIT_${name.toUpperCase()}`, hard, soft };
}
