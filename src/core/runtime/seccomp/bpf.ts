/** Classic BPF as seccomp runs it (linux/bpf_common.h, linux/seccomp.h): instructions, and code that knows its own length. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export type Code = readonly Instruction[];

export const OPCODE = {
  LOAD: 0x20, // BPF_LD | BPF_W | BPF_ABS
  AND: 0x54, // BPF_ALU | BPF_AND | BPF_K
  JUMP: 0x05, // BPF_JMP | BPF_JA
  EQUAL: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  GREATER: 0x25,
  GREATER_EQUAL: 0x35,
  RETURN: 0x06, // BPF_RET | BPF_K
} as const;

/** Conditional jumps reach this far; an unconditional one reaches everywhere. */
const NEAR_LIMIT = 255;
/** The kernel takes no longer program (linux/bpf_common.h, BPF_MAXINSNS). */
export const INSTRUCTION_LIMIT = 4096;

export function load(offset: number): Instruction {
  return { code: OPCODE.LOAD, jt: 0, jf: 0, k: offset };
}

export function and(mask: number): Instruction {
  return { code: OPCODE.AND, jt: 0, jf: 0, k: mask };
}

export function returns(action: number): Instruction {
  return { code: OPCODE.RETURN, jt: 0, jf: 0, k: action };
}

/** A conditional jump; `jt` and `jf` count the instructions skipped. */
export function jump(code: number, k: number, skip: { readonly jt: number; readonly jf: number }): Instruction {
  return { code, jt: skip.jt, jf: skip.jf, k };
}

/** `whenTrue` where the test holds, else `whenFalse`, however long they are. Both have to end in a return. */
export function branch(code: number, k: number, { whenTrue, whenFalse }: { whenTrue: Code; whenFalse: Code }): Code {
  if (whenFalse.length <= NEAR_LIMIT) {
    return [jump(code, k, { jt: whenFalse.length, jf: 0 }), ...whenFalse, ...whenTrue];
  }
  const far = { code: OPCODE.JUMP, jt: 0, jf: 0, k: whenFalse.length };
  return [jump(code, k, { jt: 0, jf: 1 }), far, ...whenFalse, ...whenTrue];
}

/** The bytes of an array of `struct sock_filter`, little-endian as both architectures are. */
export function encode(code: Code): Uint8Array {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  code.forEach(({ code: opcode, jt, jf, k }, index) => {
    view.setUint16(index * 8, opcode, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k >>> 0, true);
  });
  return bytes;
}
