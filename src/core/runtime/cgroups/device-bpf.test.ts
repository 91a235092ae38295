import { expect, test } from "bun:test";
import type { DeviceRule } from "#api/oci";
import { DEVICE_RULES } from "../spec/defaults.ts";
import { deviceProgram, EBPF } from "./device-bpf.ts";

const TYPES = { b: 1, c: 2 };
const ACCESS = { m: 1, r: 2, w: 4 };

interface Wanted {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  readonly access: string;
}

function accessBits(access: string): number {
  return [...access].reduce((bits, letter) => bits | ACCESS[letter as keyof typeof ACCESS], 0);
}

/** An eBPF machine for the dozen instructions that device programs consist of. */
function run(program: Uint8Array, wanted: Wanted): number {
  const code = new DataView(program.buffer);
  const context = [TYPES[wanted.type] | (accessBits(wanted.access) << 16), wanted.major, wanted.minor];
  const registers = new Array<number>(11).fill(Number.NaN);
  registers[1] = 0;
  for (let at = 0; at * 8 < program.length; at++) {
    const opcode = code.getUint8(at * 8);
    const destination = code.getUint8(at * 8 + 1) & 15;
    const source = code.getUint8(at * 8 + 1) >> 4;
    const offset = code.getInt16(at * 8 + 2, true);
    const value = code.getInt32(at * 8 + 4, true);
    const current = registers[destination] ?? Number.NaN;
    if (opcode === EBPF.LOAD_WORD)
      registers[destination] = context[((registers[source] ?? 0) + offset) / 4] ?? Number.NaN;
    else if (opcode === EBPF.MOVE_WORD) registers[destination] = registers[source] ?? Number.NaN;
    else if (opcode === EBPF.MOVE_VALUE) registers[destination] = value;
    else if (opcode === EBPF.AND_VALUE) registers[destination] = current & value;
    else if (opcode === EBPF.SHIFT_RIGHT_VALUE) registers[destination] = current >>> value;
    else if (opcode === EBPF.JUMP_EQUAL) at += current === value ? offset : 0;
    else if (opcode === EBPF.JUMP_NOT_EQUAL) at += current !== value ? offset : 0;
    else if (opcode === EBPF.EXIT) return registers[0] ?? Number.NaN;
    else throw new Error(`unknown opcode 0x${opcode.toString(16)}`);
  }
  throw new Error("runs off its end");
}

/** The plain reading: each letter of the access is decided by the last rule that fits it. */
function allows(rules: readonly DeviceRule[], { type, major, minor, access }: Wanted): boolean {
  return [...access].every((letter) => {
    const last = rules.findLast((rule) =>
      (rule.type ?? "a") === "a"
        ? (rule.access ?? "rwm").includes(letter)
        : rule.type === type &&
          ((rule.major ?? -1) < 0 || rule.major === major) &&
          ((rule.minor ?? -1) < 0 || rule.minor === minor) &&
          (rule.access ?? "rwm").includes(letter),
    );
    return last?.allow ?? false;
  });
}

const ACCESSES = ["r", "w", "m", "rw", "rm", "wm", "rwm"];

function checkAll(rules: readonly DeviceRule[]): void {
  const program = deviceProgram(rules);
  for (const type of ["b", "c"] as const) {
    for (const major of [1, 5, 8, 10, 42]) {
      for (const minor of [0, 1, 3, 229]) {
        for (const access of ACCESSES) {
          const wanted = { type, major, minor, access };
          expect({ wanted, allowed: run(program, wanted) === 1 }).toEqual({ wanted, allowed: allows(rules, wanted) });
        }
      }
    }
  }
}

test("deviceProgram() decides Docker's default rules as a plain reading does", () => {
  checkAll(DEVICE_RULES);
});

test("deviceProgram() lets the last rule decide, letter by letter", () => {
  checkAll([
    { allow: false },
    { allow: true, type: "c", major: 1, access: "r" },
    { allow: true, type: "c", major: 1, minor: 3, access: "w" },
    { allow: true, type: "b", minor: 0, access: "rwm" },
    { allow: false, type: "b", major: 8, access: "m" },
    { allow: true, type: "c", major: 42, minor: -1, access: "rm" },
  ]);
});

test("deviceProgram() allows everything but what a later rule takes away", () => {
  checkAll([
    { allow: false, type: "c", major: 1 },
    { allow: true, access: "rwm" },
    { allow: false, type: "c", major: 10, minor: 229, access: "w" },
  ]);
});

test("deviceProgram() denies everything without rules, and ignores what an all-embracing rule overrides", () => {
  checkAll([]);
  const rest: DeviceRule[] = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  ];
  const overridden = Array.from(
    { length: 500 },
    (_, minor): DeviceRule => ({ allow: true, type: "c", major: 7, minor }),
  );
  expect(deviceProgram([...overridden, ...rest])).toEqual(deviceProgram(rest));
});
