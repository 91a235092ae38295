import { expect, test } from "bun:test";
import type { SeccompCondition, SeccompOperator, SpecSeccomp } from "#api/oci";
import { seededRandom } from "#fixtures";
import { evaluate, runFilter } from "./_interpreter.ts";
import { compileSeccomp, seccompFlags } from "./compile.ts";
import { defaultProfile } from "./profile.ts";
import { resolveProfile } from "./resolve.ts";
import syscalls from "./syscalls.json" with { type: "json" };

const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;
const KILL_PROCESS = 0x80000000;
const ENOSYS = ERRNO | 38;
const X86_64 = 0xc000003e;
const X86 = 0x40000003;
const AARCH64 = 0xc00000b7;
const ALL_ARCHITECTURES = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];

const TABLES = [
  { name: "x86_64", machine: "x86_64", token: X86_64, wide: true, numbers: syscalls.x86_64 as Record<string, number> },
  { name: "x86", machine: "x86_64", token: X86, wide: false, numbers: syscalls.x86 as Record<string, number> },
  { name: "x32", machine: "x86_64", token: X86_64, wide: false, numbers: syscalls.x32 as Record<string, number> },
  {
    name: "aarch64",
    machine: "aarch64",
    token: AARCH64,
    wide: true,
    numbers: syscalls.aarch64 as Record<string, number>,
  },
] as const;

/** Arguments around the values that rules look at, where comparisons go wrong. */
function sampleArguments(filter: SpecSeccomp, next: () => number): bigint[] {
  const values = (filter.syscalls ?? [])
    .flatMap((rule) => rule.args ?? [])
    .flatMap((arg) => [arg.value, arg.valueTwo ?? 0]);
  const pick = () => {
    const near = BigInt(values[Math.floor(next() * values.length)] ?? 0) + BigInt(Math.floor(next() * 3) - 1);
    const high = next() < 0.3 ? BigInt(Math.floor(next() * 2 ** 32)) << 32n : 0n;
    return BigInt.asUintN(64, near ^ high);
  };
  return [0, 1, 2, 3, 4, 5].map(pick);
}

/** Every number up to the last that the filter names is decided as the plain reading says. */
function checkTable(
  filter: SpecSeccomp,
  { machine, token, wide, numbers }: (typeof TABLES)[number],
  next: () => number,
) {
  const program = compileSeccomp(filter, machine);
  const named = new Set((filter.syscalls ?? []).flatMap((rule) => rule.names));
  const last = Math.max(...Object.entries(numbers).map(([name, number]) => (named.has(name) ? number : -1)));
  const wrong: string[] = [];
  for (const [name, number] of Object.entries(numbers)) {
    for (let sample = 0; sample < 6; sample++) {
      const args = sampleArguments(filter, next);
      const { value } = runFilter(program, { token, number, args });
      const stub = number > last && filter.defaultAction !== "SCMP_ACT_ALLOW" && filter.defaultErrnoRet !== 38;
      const expected = stub ? ENOSYS : evaluate(filter, name, { args, wide });
      if (value !== expected)
        wrong.push(`${name}(${args}): 0x${value.toString(16)}, expected 0x${expected.toString(16)}`);
    }
  }
  expect(wrong).toEqual([]);
}

const CAPABILITIES = [[], ["CAP_SYS_ADMIN"], ["CAP_CHOWN", "CAP_SYS_PTRACE", "CAP_SYS_CHROOT"]];

for (const table of TABLES) {
  for (const capabilities of CAPABILITIES) {
    test(`compileSeccomp() decides Docker's profile for ${table.name} with [${capabilities}] as a plain reading does`, () => {
      const kernel = { major: 6, minor: 12 };
      const filter = resolveProfile(defaultProfile, { architecture: table.machine, kernel, capabilities });
      checkTable(filter, table, seededRandom(1));
    });
  }
}

const OPERATORS: readonly SeccompOperator[] = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];
const ACTIONS = [
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_LOG",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_TRACE",
] as const;

function randomFilter(next: () => number): SpecSeccomp {
  const choose = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const names = Object.keys(syscalls.x86_64);
  const value = () => BigInt.asUintN(64, BigInt(Math.floor(next() * 2 ** 33)) << (next() < 0.5 ? 0n : 31n));
  const condition = (): SeccompCondition => {
    const op = choose(OPERATORS);
    const mask = value();
    return {
      index: Math.floor(next() * 6),
      op,
      value: mask,
      ...(op === "SCMP_CMP_MASKED_EQ" ? { valueTwo: mask & value() } : {}),
    };
  };
  const rule = () => ({
    names: Array.from({ length: 1 + Math.floor(next() * 25) }, () => choose(names)),
    action: choose(ACTIONS),
    errnoRet: Math.floor(next() * 100),
    args: Array.from({ length: Math.floor(next() * 4) }, condition),
  });
  return {
    defaultAction: choose(["SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "SCMP_ACT_KILL_PROCESS"] as const),
    architectures: ALL_ARCHITECTURES,
    syscalls: Array.from({ length: 1 + Math.floor(next() * 12) }, rule),
  };
}

for (let seed = 1; seed <= 12; seed++) {
  test(`compileSeccomp() decides random filters as a plain reading does (seed ${seed})`, () => {
    const next = seededRandom(seed);
    const filter = randomFilter(next);
    for (const table of TABLES) checkTable(filter, table, next);
  });
}

const filter: SpecSeccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  architectures: ["SCMP_ARCH_X86_64"],
  syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW" }],
};

function decide(program: Uint8Array, token: number, number: number, args: readonly bigint[] = []): number {
  return runFilter(program, { token, number, args }).value;
}

test("compileSeccomp() ends programs that call through an interface the filter does not name", () => {
  const program = compileSeccomp(filter, "x86_64");
  expect(decide(program, X86_64, 0)).toBe(ALLOW);
  expect(decide(program, X86, 3)).toBe(KILL_PROCESS);
  expect(decide(program, X86_64, 0x40000000)).toBe(KILL_PROCESS);
  expect(decide(program, AARCH64, 63)).toBe(KILL_PROCESS);
});

test("compileSeccomp() gives ENOSYS for calls newer than any the filter names, unless it is permissive", () => {
  const named = { ...filter, syscalls: [{ names: ["clone3"], action: "SCMP_ACT_ALLOW" as const }] };
  expect(decide(compileSeccomp(named, "x86_64"), X86_64, 434)).toBe(ERRNO | 1);
  expect(decide(compileSeccomp(named, "x86_64"), X86_64, 436)).toBe(ENOSYS);
  expect(decide(compileSeccomp(named, "x86_64"), X86_64, 0x3fffffff)).toBe(ENOSYS);
  const permissive = { ...named, defaultAction: "SCMP_ACT_ALLOW" as const };
  expect(decide(compileSeccomp(permissive, "x86_64"), X86_64, 436)).toBe(ALLOW);
});

test("compileSeccomp() lets an unconditional rule beat a conditional one, whichever comes first", () => {
  const never = { index: 0, op: "SCMP_CMP_EQ" as const, value: 99 };
  const rules = [
    { names: ["read"], action: "SCMP_ACT_KILL_PROCESS" as const, args: [never] },
    { names: ["read"], action: "SCMP_ACT_ALLOW" as const },
  ];
  for (const syscallRules of [rules, rules.toReversed()]) {
    const program = compileSeccomp({ ...filter, syscalls: syscallRules }, "x86_64");
    expect(decide(program, X86_64, 0, [99n])).toBe(ALLOW);
  }
});

test("compileSeccomp() needs few steps for the calls that matter", () => {
  const context = { architecture: "x86_64" as const, kernel: { major: 6, minor: 12 }, capabilities: [] };
  const program = compileSeccomp(resolveProfile(defaultProfile, context), "x86_64");
  const steps = Object.values(syscalls.x86_64).map(
    (number) => runFilter(program, { token: X86_64, number, args: [] }).steps,
  );
  expect(Math.max(...steps)).toBeLessThan(40);
  expect(steps.reduce((sum, count) => sum + count) / steps.length).toBeLessThan(16);
});

test("compileSeccomp() refuses a filter that is longer than the kernel takes", () => {
  const args = [0, 1, 2, 3, 4, 5].map((index) => ({ index, op: "SCMP_CMP_EQ" as const, value: 1 }));
  const rules = Array.from({ length: 200 }, () => ({ names: ["read"], action: "SCMP_ACT_ALLOW" as const, args }));
  expect(() => compileSeccomp({ ...filter, syscalls: rules }, "x86_64")).toThrow("the kernel takes 4096");
});

test("seccompFlags() knows the names of the specification and refuses others", () => {
  expect(seccompFlags(filter)).toBe(4);
  expect(seccompFlags({ ...filter, flags: [] })).toBe(0);
  expect(seccompFlags({ ...filter, flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"] })).toBe(3);
  expect(() => seccompFlags({ ...filter, flags: ["SECCOMP_FILTER_FLAG_NEW_LISTENER"] })).toThrow("cannot act here");
});
