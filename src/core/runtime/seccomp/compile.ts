/**
 * From a resolved filter to the BPF program that the kernel runs at every system call.
 *
 * For each architecture the numbers are cut into ranges that are decided alike, and a binary search over the ranges'
 * starts finds the decision in about eight comparisons. A decision is a return, or a chain of argument tests.
 * Where libseccomp and runc leave room, this does what they do: an unconditional rule beats conditional ones; rules
 * with the default action are dropped; two conditions on one argument are alternatives; calls newer than any the
 * filter names give ENOSYS, so that programs fall back to older ones.
 */
import { isDeepStrictEqual } from "node:util";
import type { SeccompAction, SeccompCondition, SeccompRule, SpecSeccomp } from "#api/oci";
import { invalid } from "../errors.ts";
import type { Architecture } from "../types.ts";
import { branch, type Code, encode, INSTRUCTION_LIMIT, load, OPCODE, returns } from "./bpf.ts";
import { conditionCode } from "./conditions.ts";
import syscalls from "./syscalls.json" with { type: "json" };

/** Offsets in `struct seccomp_data`. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;

const EPERM = 1;
const ENOSYS = 38;

/** Values of linux/seccomp.h; ERRNO and TRACE carry data in the low 16 bits. */
const RETURN: Readonly<Record<Exclude<SeccompAction, "SCMP_ACT_NOTIFY">, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

/** A system call interface of the machine. x32 shares its token with x86_64 and sets a bit in the number. */
interface Interface {
  readonly seccomp: string;
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly token: number;
  readonly wide: boolean;
  readonly numbers: Readonly<Record<string, number>>;
}

const X32_BIT = 0x40000000;

/** The first is the machine's own, which every filter covers. */
const INTERFACES: Readonly<Record<Architecture, readonly [Interface, ...Interface[]]>> = {
  x86_64: [
    { seccomp: "SCMP_ARCH_X86_64", token: 0xc000003e, wide: true, numbers: syscalls.x86_64 },
    { seccomp: "SCMP_ARCH_X86", token: 0x40000003, wide: false, numbers: syscalls.x86 },
    { seccomp: "SCMP_ARCH_X32", token: 0xc000003e, wide: false, numbers: syscalls.x32 },
  ],
  // 32-bit ARM programs are not covered: their calls end like those of any other foreign interface.
  aarch64: [{ seccomp: "SCMP_ARCH_AARCH64", token: 0xc00000b7, wide: true, numbers: syscalls.aarch64 }],
};

/** The latest filters and their programs: nearly all containers have the same one, and compiling takes a millisecond. */
const compiled: { filter: SpecSeccomp; architecture: Architecture; program: Uint8Array }[] = [];
const COMPILED_LIMIT = 8;

/**
 * Compiles a filter; the result is an array of `struct sock_filter`, which is shared and not to be changed.
 *
 * @throws `invalid-parameter` when the program would be longer than the kernel takes, or needs a listener
 */
export function compileSeccomp(filter: SpecSeccomp, architecture: Architecture): Uint8Array {
  const known = compiled.find((one) => one.architecture === architecture && isDeepStrictEqual(one.filter, filter));
  if (known) return known.program;
  const program = compile(filter, architecture);
  compiled.unshift({ filter, architecture, program });
  compiled.splice(COMPILED_LIMIT);
  return program;
}

function compile(filter: SpecSeccomp, architecture: Architecture): Uint8Array {
  const [native, ...others] = INTERFACES[architecture];
  const covered = [native, ...others.filter((entry) => filter.architectures?.includes(entry.seccomp))];
  const code = [load(ARCHITECTURE_AT), ...byArchitecture(covered, filter)];
  if (code.length > INSTRUCTION_LIMIT) {
    throw invalid(`seccomp profile: its filter has ${code.length} instructions, the kernel takes ${INSTRUCTION_LIMIT}`);
  }
  return encode(code);
}

function byArchitecture(covered: readonly Interface[], filter: SpecSeccomp): Code {
  const tokens = [...new Set(covered.map((entry) => entry.token))];
  // Whoever calls through an interface that the filter does not know is ended.
  return tokens.reduceRight<Code>(
    (whenFalse, token) => {
      const [lower, x32] = covered.filter((entry) => entry.token === token);
      const whenTrue = lower ? [load(NUMBER_AT), ...numbersCode(lower, x32, filter)] : [];
      return branch(OPCODE.EQUAL, token, { whenTrue, whenFalse });
    },
    [returns(RETURN.SCMP_ACT_KILL_PROCESS)],
  );
}

/** An x86_64 filter without x32 ends calls with the x32 bit, which would otherwise slip past its number checks. */
function numbersCode(entry: Interface, x32: Interface | undefined, filter: SpecSeccomp): Code {
  const whenFalse = searchCode(ranges(entry, filter));
  if (entry.seccomp !== "SCMP_ARCH_X86_64") return whenFalse;
  const whenTrue = x32 ? searchCode(ranges(x32, filter)) : [returns(RETURN.SCMP_ACT_KILL_PROCESS)];
  return branch(OPCODE.GREATER_EQUAL, X32_BIT, { whenTrue, whenFalse });
}

/** Numbers from `start` to the next range's start are decided by `code`. */
interface Range {
  readonly start: number;
  readonly code: Code;
}

function searchCode(sorted: readonly Range[]): Code {
  const [only] = sorted;
  if (sorted.length === 1 && only) return only.code;
  const middle = sorted.length >> 1;
  const whenFalse = searchCode(sorted.slice(0, middle));
  const whenTrue = searchCode(sorted.slice(middle));
  return branch(OPCODE.GREATER_EQUAL, sorted[middle]?.start ?? 0, { whenTrue, whenFalse });
}

function ranges(entry: Interface, filter: SpecSeccomp): Range[] {
  const otherwise = [returns(actionValue(filter.defaultAction, filter.defaultErrnoRet))];
  const decisions = decide(entry, filter, otherwise);
  const list: Range[] = [{ start: 0, code: otherwise }];
  const add = (start: number, code: Code) => {
    const last = list.at(-1);
    if (last && sameCode(last.code, code)) return;
    if (last?.start === start) list.pop();
    list.push({ start, code });
  };
  let next = 0;
  for (const [number, code] of decisions) {
    if (number > next) add(next, otherwise);
    add(number, code);
    next = number + 1;
  }
  const newer = hasNewerStub(filter) && decisions.length > 0;
  add(next, newer ? [returns(RETURN.SCMP_ACT_ERRNO | ENOSYS)] : otherwise);
  return list;
}

function sameCode(a: Code, b: Code): boolean {
  const [first, second] = [a[0], b[0]];
  return a === b || (a.length === 1 && b.length === 1 && first?.k === second?.k);
}

/** runc's stub for calls newer than the profile, unless the profile is permissive or answers ENOSYS anyway. */
function hasNewerStub({ defaultAction, defaultErrnoRet }: SpecSeccomp): boolean {
  return defaultAction !== "SCMP_ACT_ALLOW" && defaultAction !== "SCMP_ACT_LOG" && defaultErrnoRet !== ENOSYS;
}

/** What to do for each number that some rule names, by number. */
function decide(entry: Interface, filter: SpecSeccomp, otherwise: Code): [number, Code][] {
  const rules = new Map<number, SeccompRule[]>();
  for (const rule of filter.syscalls ?? []) {
    for (const name of rule.names) {
      const number = entry.numbers[name];
      if (number === undefined) continue;
      const list = rules.get(number);
      if (list) list.push(rule);
      else rules.set(number, [rule]);
    }
  }
  const numbers = [...rules].sort(([a], [b]) => a - b);
  return numbers.map(([number, list]) => [number, decisionCode(list, { wide: entry.wide, filter, otherwise })]);
}

interface DecisionOptions {
  readonly wide: boolean;
  readonly filter: SpecSeccomp;
  readonly otherwise: Code;
}

function decisionCode(rules: readonly SeccompRule[], { wide, filter, otherwise }: DecisionOptions): Code {
  const fallback = actionValue(filter.defaultAction, filter.defaultErrnoRet);
  const acting = rules.filter((rule) => actionValue(rule.action, rule.errnoRet) !== fallback);
  const unconditional = acting.find((rule) => !rule.args?.length);
  if (unconditional) return [returns(actionValue(unconditional.action, unconditional.errnoRet))];
  const chain = acting.flatMap((rule) => {
    const action = returns(actionValue(rule.action, rule.errnoRet));
    return conditionSets(rule.args ?? []).flatMap((set) => [...conditionCode(set, { wide, failSkip: 1 }), action]);
  });
  return [...chain, ...otherwise];
}

/** All conditions have to hold, unless two look at one argument: then each is a rule of its own, as in runc. */
export function conditionSets(conditions: readonly SeccompCondition[]): (readonly SeccompCondition[])[] {
  const indexes = new Set(conditions.map((condition) => condition.index));
  return indexes.size === conditions.length ? [conditions] : conditions.map((condition) => [condition]);
}

/** The value a filter returns for an action. */
export function actionValue(action: SeccompAction, data: number | undefined): number {
  if (action === "SCMP_ACT_NOTIFY") throw invalid("seccomp profile: SCMP_ACT_NOTIFY needs a listener");
  const value = RETURN[action];
  if (value === undefined) throw invalid(`seccomp profile: action ${JSON.stringify(action)} does not exist`);
  const carriesData = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return carriesData ? (value | ((data ?? EPERM) & 0xffff)) >>> 0 : value;
}

/** Bits of linux/seccomp.h for the names of the runtime specification. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

/** The flags of a filter; without any, runc's default: the filter does not switch on the store bypass mitigation. */
export function seccompFlags(filter: SpecSeccomp): number {
  const names = filter.flags ?? ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];
  return names.reduce((flags, name) => {
    const flag = FLAGS[name];
    if (flag === undefined) throw invalid(`seccomp profile: flag ${JSON.stringify(name)} cannot act here`);
    return flags | flag;
  }, 0);
}
