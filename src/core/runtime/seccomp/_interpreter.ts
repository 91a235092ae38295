/** The reference that tests hold compiled filters to: a classic BPF machine, and a filter read without compiling it. */
import type { SeccompCondition, SpecSeccomp } from "#api/oci";
import { OPCODE } from "./bpf.ts";
import { actionValue, conditionSets } from "./compile.ts";

/** What the kernel gives a filter to decide on: `struct seccomp_data`. */
export interface SystemCall {
  readonly token: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

/** Runs a program as the kernel does; @throws on what its checker (bpf_check_classic) would refuse. */
export function runFilter(program: Uint8Array, call: SystemCall): { value: number; steps: number } {
  const data = seccompData(call);
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  let steps = 0;
  for (let at = 0; ; at++) {
    if (at * 8 >= program.length) throw new Error(`runs off its end at ${at}`);
    steps++;
    const opcode = code.getUint16(at * 8, true);
    const k = code.getUint32(at * 8 + 4, true);
    const skip = (taken: boolean) => code.getUint8(at * 8 + (taken ? 2 : 3));
    switch (opcode) {
      case OPCODE.LOAD:
        accumulator = data.getUint32(k, true);
        break;
      case OPCODE.AND:
        accumulator = (accumulator & k) >>> 0;
        break;
      case OPCODE.JUMP:
        at += k;
        break;
      case OPCODE.EQUAL:
        at += skip(accumulator === k);
        break;
      case OPCODE.GREATER:
        at += skip(accumulator > k);
        break;
      case OPCODE.GREATER_EQUAL:
        at += skip(accumulator >= k);
        break;
      case OPCODE.RETURN:
        return { value: k, steps };
      default:
        throw new Error(`unknown opcode 0x${opcode.toString(16)} at ${at}`);
    }
  }
}

function seccompData({ token, number, args }: SystemCall): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, token, true);
  args.forEach((value, index) => {
    data.setBigUint64(16 + index * 8, value, true);
  });
  return data;
}

/** The decision on a call by name: unconditional rules first, else the first whose conditions hold, else the default. */
export function evaluate(
  filter: SpecSeccomp,
  name: string,
  { args, wide }: { args: readonly bigint[]; wide: boolean },
): number {
  const fallback = actionValue(filter.defaultAction, filter.defaultErrnoRet);
  const rules = (filter.syscalls ?? [])
    .filter((rule) => rule.names.includes(name))
    .map((rule) => ({ conditions: rule.args ?? [], value: actionValue(rule.action, rule.errnoRet) }))
    .filter(({ value }) => value !== fallback);
  const found =
    rules.find(({ conditions }) => conditions.length === 0) ??
    rules.find(({ conditions }) =>
      conditionSets(conditions).some((set) => set.every((condition) => holds(condition, { args, wide }))),
    );
  return found?.value ?? fallback;
}

function holds(
  { index, op, value, valueTwo = 0 }: SeccompCondition,
  { args, wide }: { args: readonly bigint[]; wide: boolean },
): boolean {
  const cut = (number: bigint) => (wide ? number : number & 0xffffffffn);
  const argument = cut(args[index] ?? 0n);
  const operand = cut(BigInt(value));
  switch (op) {
    case "SCMP_CMP_EQ":
      return argument === operand;
    case "SCMP_CMP_NE":
      return argument !== operand;
    case "SCMP_CMP_LT":
      return argument < operand;
    case "SCMP_CMP_LE":
      return argument <= operand;
    case "SCMP_CMP_GT":
      return argument > operand;
    case "SCMP_CMP_GE":
      return argument >= operand;
    case "SCMP_CMP_MASKED_EQ":
      return (argument & operand) === cut(BigInt(valueTwo));
  }
}
