import type { SeccompAction, SeccompCondition, SeccompOperator, SeccompRule } from "#api/oci";
import { messageOf } from "#lib/errors";
import { invalid } from "../errors.ts";
import mobyDefault from "./moby-default.json" with { type: "json" };

/**
 * A seccomp profile as Docker reads it: a runtime-spec filter whose rules may be bound to capabilities, architectures and
 * kernels, and which names the architectures that come with each.
 */
export interface SeccompProfile {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null }[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly ProfileRule[];
}

export interface ProfileRule extends Omit<SeccompRule, "names"> {
  readonly name?: string;
  readonly names?: readonly string[];
  readonly includes?: RuleFilter;
  readonly excludes?: RuleFilter;
}

/** Every part has to fit for `includes`, any for `excludes`. */
export interface RuleFilter {
  readonly caps?: readonly string[];
  /** Go's names: amd64, arm64, x86 … */
  readonly arches?: readonly string[];
  /** `4.8`: this kernel or a later one. */
  readonly minKernel?: string;
}

/** Docker 28's profile (moby/profiles seccomp v0.1.0, Apache-2.0). */
export const defaultProfile = mobyDefault as SeccompProfile;

const ACTIONS: readonly SeccompAction[] = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
];

const OPERATORS: readonly SeccompOperator[] = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];

/**
 * Reads a user's profile.
 *
 * @throws `invalid-parameter` `Decoding seccomp profile failed: …`, also for actions and operators that do not exist
 */
export function parseProfile(text: string): SeccompProfile {
  const profile = decode(text);
  if (typeof profile !== "object" || profile === null) throw undecodable("it is not an object");
  const { defaultAction, syscalls = [], architectures = [], archMap = [] } = profile as Partial<SeccompProfile>;
  checkAction(defaultAction);
  if (architectures?.length && archMap?.length) {
    throw undecodable("both 'architectures' and 'archMap' are specified in the seccomp profile, use either");
  }
  if (syscalls !== null && !Array.isArray(syscalls)) throw undecodable("syscalls is not a list");
  (syscalls ?? []).forEach(checkRule);
  return { ...(profile as SeccompProfile), syscalls: syscalls ?? [] };
}

/** Arguments are 64 bits wide, so numbers too large for JavaScript's are kept as bigint (`context.source`: ES2025). */
function decode(text: string): unknown {
  const exact = (_key: string, value: unknown, context: { source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(context.source ?? "")
      ? BigInt(context.source ?? 0)
      : value;
  try {
    return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
  } catch (error) {
    throw undecodable(messageOf(error));
  }
}

function undecodable(why: string): Error {
  return invalid(`Decoding seccomp profile failed: ${why}`);
}

function checkAction(action: unknown): void {
  if (action === "SCMP_ACT_NOTIFY") {
    throw undecodable("action SCMP_ACT_NOTIFY needs a listener, which containers of this engine do not have");
  }
  if (!ACTIONS.some((known) => known === action)) throw undecodable(`action ${JSON.stringify(action)} does not exist`);
}

function checkRule(rule: ProfileRule): void {
  if (typeof rule !== "object" || rule === null) throw undecodable("a rule is not an object");
  checkAction(rule.action);
  if (rule.name && rule.names?.length) {
    throw undecodable("'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'");
  }
  const names: unknown[] = rule.name ? [rule.name] : [...(rule.names ?? [])];
  if (names.length === 0 || !names.every((name) => typeof name === "string")) {
    throw undecodable("a rule names no system call");
  }
  (rule.args ?? []).forEach(checkCondition);
}

function checkCondition({ index, op, value, valueTwo = 0 }: SeccompCondition): void {
  if (!Number.isInteger(index) || index < 0 || index > 5) throw undecodable(`argument index ${index} is not 0 to 5`);
  if (!OPERATORS.includes(op)) throw undecodable(`operator ${JSON.stringify(op)} does not exist`);
  for (const number of [value, valueTwo]) {
    if (!isUint64(number)) throw undecodable(`argument value ${String(number)} is no 64-bit number`);
  }
}

function isUint64(value: unknown): boolean {
  if (typeof value === "bigint") return value >= 0n && value < 1n << 64n;
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
