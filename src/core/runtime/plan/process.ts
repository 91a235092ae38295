import { posix } from "node:path";
import type { CapabilitySets, Process, Rlimit, SpecSeccomp } from "#api/oci";
import type { InsideOp } from "#executor";
import { invalid } from "../errors.ts";
import { capabilityMask } from "../linux/capabilities.ts";
import { rlimitNumber } from "../linux/rlimits.ts";
import { compileSeccomp, seccompFlags } from "../seccomp/compile.ts";
import type { Architecture } from "../types.ts";

const DEFAULT_UMASK = 0o022;

export interface ProcessOptions {
  readonly seccomp: SpecSeccomp | undefined;
  readonly architecture: Architecture;
  /** Put tug's init in as the program's parent. */
  readonly init: boolean;
  /** A missing working directory is made. */
  readonly createCwd: boolean;
}

/**
 * From a furnished container to the program. The order is the kernel's: limits and the AppArmor profile need
 * privileges, so they come first; without no_new_privs so does the filter (it needs CAP_SYS_ADMIN), else it comes last,
 * that it need not allow what the ops before it do; groups and user need capabilities, which are dropped after them.
 */
export function processOps(process: Process, options: ProcessOptions): InsideOp[] {
  if (process.args.length === 0) throw invalid("no command specified");
  const filter = seccompOps(options);
  const locked = process.noNewPrivileges ?? false;
  return [
    ...(process.oomScoreAdj === undefined ? [] : [{ op: "oom-score-adj", value: process.oomScoreAdj } as const]),
    ...(process.rlimits ?? []).map(rlimitOp),
    ...(process.apparmorProfile ? [{ op: "apparmor", profile: process.apparmorProfile } as const] : []),
    { op: "cwd", path: posix.normalize(process.cwd || "/"), create: options.createCwd },
    ...(locked ? [{ op: "no-new-privs" } as const] : filter),
    userOp(process),
    capabilitiesOp(process.capabilities ?? {}),
    ...(locked ? filter : []),
    { op: "exec", argv: process.args, env: process.env ?? [], init: options.init },
  ];
}

function seccompOps({ seccomp, architecture }: ProcessOptions): InsideOp[] {
  if (!seccomp) return [];
  return [{ op: "seccomp", filter: compileSeccomp(seccomp, architecture), flags: seccompFlags(seccomp) }];
}

function userOp({ user }: Process): InsideOp {
  const { uid, gid, additionalGids = [], umask = DEFAULT_UMASK } = user;
  return { op: "user", uid, gid, groups: additionalGids, umask };
}

function capabilitiesOp(sets: CapabilitySets): InsideOp {
  const mask = (names: readonly string[] | undefined) => capabilityMask(names ?? []);
  return {
    op: "capabilities",
    bounding: mask(sets.bounding),
    effective: mask(sets.effective),
    permitted: mask(sets.permitted),
    inheritable: mask(sets.inheritable),
    ambient: mask(sets.ambient),
  };
}

function rlimitOp({ type, soft, hard }: Rlimit): InsideOp {
  const resource = rlimitNumber(type);
  if (resource === undefined) throw invalid(`rlimit "${type}" does not exist`);
  return { op: "rlimit", resource, soft, hard };
}
