/**
 * The device controller of cgroup v2: an eBPF program that the kernel runs at every open and mknod of a device. It gets
 * `struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }` (linux/bpf.h), the device's type in the low
 * half of `access_type` and the wanted access in the high half, and returns 1 to allow.
 */
import type { DeviceRule } from "#api/oci";

const DEVICE_TYPES = { b: 1, c: 2 } as const;
const ACCESS = { m: 1, r: 2, w: 4 } as const;
const ALL_ACCESS = 7;

/** Opcodes of eBPF (linux/bpf.h, linux/bpf_common.h). */
export const EBPF = {
  LOAD_WORD: 0x61, // BPF_LDX | BPF_MEM | BPF_W
  MOVE_WORD: 0xbc, // BPF_ALU | BPF_MOV | BPF_X
  MOVE_VALUE: 0xb7, // BPF_ALU64 | BPF_MOV | BPF_K
  AND_VALUE: 0x54, // BPF_ALU | BPF_AND | BPF_K
  SHIFT_RIGHT_VALUE: 0x74, // BPF_ALU | BPF_RSH | BPF_K
  JUMP_EQUAL: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  JUMP_NOT_EQUAL: 0x55, // BPF_JMP | BPF_JNE | BPF_K
  EXIT: 0x95,
} as const;

/** r1 is the context at entry and a scratch register afterwards; WANTED holds what no rule has granted yet. */
const REGISTER = { RESULT: 0, SCRATCH: 1, TYPE: 2, WANTED: 3, MAJOR: 4, MINOR: 5 } as const;

interface Instruction {
  readonly code: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number;
  readonly value: number;
}

function instruction(code: number, parts: Partial<Instruction> = {}): Instruction {
  return { code, destination: 0, source: 0, offset: 0, value: 0, ...parts };
}

/**
 * Compiles device rules; the result is an array of `struct bpf_insn`. For each kind of access the last rule that fits
 * decides. So rules are tried last first: an allowance takes its part off what is wanted, a denial of something still
 * wanted ends it, and what no rule granted is denied.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  // Rules before one for everything change nothing.
  const decisive = rules.slice(Math.max(0, rules.findLastIndex(coversEverything)));
  return encode([...prologue(), ...decisive.toReversed().flatMap(ruleCode), ...verdict(false)]);
}

function coversEverything({ type = "a", access = "rwm" }: DeviceRule): boolean {
  return type === "a" && accessMask(access) === ALL_ACCESS;
}

function prologue(): Instruction[] {
  const { SCRATCH, TYPE, WANTED, MAJOR, MINOR } = REGISTER;
  return [
    instruction(EBPF.LOAD_WORD, { destination: TYPE, source: SCRATCH }),
    instruction(EBPF.AND_VALUE, { destination: TYPE, value: 0xffff }),
    instruction(EBPF.LOAD_WORD, { destination: WANTED, source: SCRATCH }),
    instruction(EBPF.SHIFT_RIGHT_VALUE, { destination: WANTED, value: 16 }),
    instruction(EBPF.LOAD_WORD, { destination: MAJOR, source: SCRATCH, offset: 4 }),
    instruction(EBPF.LOAD_WORD, { destination: MINOR, source: SCRATCH, offset: 8 }),
  ];
}

function verdict(allow: boolean): Instruction[] {
  return [instruction(EBPF.MOVE_VALUE, { destination: REGISTER.RESULT, value: allow ? 1 : 0 }), instruction(EBPF.EXIT)];
}

/** The tests of one rule, each going on with the next rule when it fails, then the verdict. */
function ruleCode({ allow, type = "a", major = -1, minor = -1, access = "rwm" }: DeviceRule): Instruction[] {
  const unless = (destination: number, value: number) => instruction(EBPF.JUMP_NOT_EQUAL, { destination, value });
  const code = [
    ...(type === "a" ? [] : [unless(REGISTER.TYPE, DEVICE_TYPES[type])]),
    ...(type !== "a" && major >= 0 ? [unless(REGISTER.MAJOR, major)] : []),
    ...(type !== "a" && minor >= 0 ? [unless(REGISTER.MINOR, minor)] : []),
    ...accessTest(accessMask(access), allow),
    ...verdict(allow),
  ];
  return code.map((step, index) => (isJump(step) ? { ...step, offset: code.length - index - 1 } : step));
}

function accessTest(mask: number, allow: boolean): Instruction[] {
  const { SCRATCH, WANTED } = REGISTER;
  if (allow) {
    return [
      instruction(EBPF.AND_VALUE, { destination: WANTED, value: ALL_ACCESS & ~mask }),
      instruction(EBPF.JUMP_NOT_EQUAL, { destination: WANTED, value: 0 }),
    ];
  }
  return [
    instruction(EBPF.MOVE_WORD, { destination: SCRATCH, source: WANTED }),
    instruction(EBPF.AND_VALUE, { destination: SCRATCH, value: mask }),
    instruction(EBPF.JUMP_EQUAL, { destination: SCRATCH, value: 0 }),
  ];
}

function isJump({ code }: Instruction): boolean {
  return code === EBPF.JUMP_EQUAL || code === EBPF.JUMP_NOT_EQUAL;
}

function accessMask(access: string): number {
  return [...access].reduce((mask, letter) => mask | (ACCESS[letter as keyof typeof ACCESS] ?? 0), 0);
}

function encode(code: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  code.forEach(({ code: opcode, destination, source, offset, value }, index) => {
    view.setUint8(index * 8, opcode);
    view.setUint8(index * 8 + 1, destination | (source << 4));
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, value, true);
  });
  return bytes;
}
