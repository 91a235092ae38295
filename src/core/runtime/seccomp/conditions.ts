import type { SeccompCondition } from "#api/oci";
import { and, type Instruction, jump, load, OPCODE } from "./bpf.ts";

/** Offset of the first argument in `struct seccomp_data`; each is 8 bytes, low half first on these machines. */
const ARGUMENTS_AT = 16;

/** A jump's ends before its place is known: `pass` and `fail` lead out of the condition, `next` to what follows. */
type End = "pass" | "fail" | "next";

interface Draft {
  readonly instruction: Instruction;
  readonly ifTrue?: End;
  readonly ifFalse?: End;
}

/**
 * Code that goes on behind itself when all conditions hold, and skips a further `failSkip` instructions when one does not.
 * On 32-bit interfaces only the low half of an argument means anything.
 */
export function conditionCode(
  conditions: readonly SeccompCondition[],
  { wide, failSkip }: { wide: boolean; failSkip: number },
): Instruction[] {
  let code: Instruction[] = [];
  for (const condition of [...conditions].reverse()) {
    const drafts = wide ? wideTest(condition) : narrowTest(condition);
    code = [...settle(drafts, code.length + failSkip), ...code];
  }
  return code;
}

function settle(drafts: readonly Draft[], failSkip: number): Instruction[] {
  return drafts.map(({ instruction, ifTrue, ifFalse }, index) => {
    if (!ifTrue || !ifFalse) return instruction;
    const rest = drafts.length - index - 1;
    const skip = { next: 0, pass: rest, fail: rest + failSkip };
    return { ...instruction, jt: skip[ifTrue], jf: skip[ifFalse] };
  });
}

function test(code: number, k: number, ends: { ifTrue: End; ifFalse: End }): Draft {
  return { instruction: jump(code, k, { jt: 0, jf: 0 }), ...ends };
}

function plain(instruction: Instruction): Draft {
  return { instruction };
}

function halves(value: number | bigint): { high: number; low: number } {
  const wide = BigInt(value);
  return { high: Number(wide >> 32n), low: Number(wide & 0xffffffffn) };
}

function wideTest({ index, op, value, valueTwo = 0 }: SeccompCondition): Draft[] {
  const { high, low } = halves(value);
  const loadLow = plain(load(ARGUMENTS_AT + index * 8));
  const loadHigh = plain(load(ARGUMENTS_AT + index * 8 + 4));
  const { EQUAL, GREATER, GREATER_EQUAL } = OPCODE;
  const equal = test(EQUAL, high, { ifTrue: "next", ifFalse: "fail" });
  switch (op) {
    case "SCMP_CMP_EQ":
      return [loadHigh, equal, loadLow, test(EQUAL, low, { ifTrue: "pass", ifFalse: "fail" })];
    case "SCMP_CMP_NE":
      return [
        loadHigh,
        test(EQUAL, high, { ifTrue: "next", ifFalse: "pass" }),
        loadLow,
        test(EQUAL, low, { ifTrue: "fail", ifFalse: "pass" }),
      ];
    case "SCMP_CMP_GT":
    case "SCMP_CMP_GE": {
      const last = op === "SCMP_CMP_GT" ? GREATER : GREATER_EQUAL;
      const above = test(GREATER, high, { ifTrue: "pass", ifFalse: "next" });
      return [loadHigh, above, equal, loadLow, test(last, low, { ifTrue: "pass", ifFalse: "fail" })];
    }
    case "SCMP_CMP_LT":
    case "SCMP_CMP_LE": {
      const last = op === "SCMP_CMP_LT" ? GREATER_EQUAL : GREATER;
      const above = test(GREATER, high, { ifTrue: "fail", ifFalse: "next" });
      const same = test(EQUAL, high, { ifTrue: "next", ifFalse: "pass" });
      return [loadHigh, above, same, loadLow, test(last, low, { ifTrue: "fail", ifFalse: "pass" })];
    }
    case "SCMP_CMP_MASKED_EQ": {
      const wanted = halves(valueTwo);
      return [
        loadHigh,
        plain(and(high)),
        test(EQUAL, wanted.high, { ifTrue: "next", ifFalse: "fail" }),
        loadLow,
        plain(and(low)),
        test(EQUAL, wanted.low, { ifTrue: "pass", ifFalse: "fail" }),
      ];
    }
  }
}

function narrowTest({ index, op, value, valueTwo = 0 }: SeccompCondition): Draft[] {
  const { low } = halves(value);
  const loadLow = plain(load(ARGUMENTS_AT + index * 8));
  const holds = { ifTrue: "pass", ifFalse: "fail" } as const;
  const fails = { ifTrue: "fail", ifFalse: "pass" } as const;
  switch (op) {
    case "SCMP_CMP_EQ":
      return [loadLow, test(OPCODE.EQUAL, low, holds)];
    case "SCMP_CMP_NE":
      return [loadLow, test(OPCODE.EQUAL, low, fails)];
    case "SCMP_CMP_GT":
      return [loadLow, test(OPCODE.GREATER, low, holds)];
    case "SCMP_CMP_GE":
      return [loadLow, test(OPCODE.GREATER_EQUAL, low, holds)];
    case "SCMP_CMP_LT":
      return [loadLow, test(OPCODE.GREATER_EQUAL, low, fails)];
    case "SCMP_CMP_LE":
      return [loadLow, test(OPCODE.GREATER, low, fails)];
    case "SCMP_CMP_MASKED_EQ":
      return [loadLow, plain(and(low)), test(OPCODE.EQUAL, halves(valueTwo).low, holds)];
  }
}
