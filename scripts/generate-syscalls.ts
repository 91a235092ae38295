/**
 * Writes src/core/runtime/seccomp/syscalls.json: the numbers of the system calls of each architecture, from the kernel's
 * own headers. Needs a C preprocessor and linux-libc-dev on an x86_64 machine. Run it when headers brought new calls:
 * `bun scripts/generate-syscalls.ts`; with `--check` it only compares and fails when the file is stale.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const target = new URL("../src/core/runtime/seccomp/syscalls.json", import.meta.url);

/** What arm64's own uapi/asm/unistd.h defines before it includes the generic one. */
const ARM64 = ["RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "TIME32_SYSCALLS", "MEMFD_SECRET", "SYS_CLONE3"];

/** Calls that came after the headers of long-lived distributions. Since Linux 5.1 new ones have one number everywhere. */
const NEWER = [
  "cachestat", // 451, Linux 6.5
  "fchmodat2",
  "map_shadow_stack",
  "futex_wake",
  "futex_wait",
  "futex_requeue",
  "statmount",
  "listmount",
  "lsm_get_self_attr",
  "lsm_set_self_attr",
  "lsm_list_modules",
  "mseal",
  "setxattrat",
  "getxattrat",
  "listxattrat",
  "removexattrat",
  "open_tree_attr",
  "file_getattr",
  "file_setattr", // 469, Linux 6.17
];
const FIRST_NEWER = 451;
/** The bit that marks a call of the x32 interface (asm/unistd.h, __X32_SYSCALL_BIT). */
const X32_BIT = 0x40000000;

const tables = {
  // uretprobe (Linux 6.11) and uprobe (6.17) exist on x86_64 alone.
  x86_64: { ...numbers("asm/unistd_64.h", []), uretprobe: 335, uprobe: 336 },
  x86: numbers("asm/unistd_32.h", []),
  x32: numbers("asm/unistd_x32.h", ["-D__X32_SYSCALL_BIT=0x40000000"], X32_BIT),
  // The generic header asks asm/bitsperlong.h, which is the build machine's: __x86_64__ makes it say 64.
  aarch64: numbers("asm-generic/unistd.h", ["-D__x86_64__", ...ARM64.map((name) => `-D__ARCH_WANT_${name}`)]),
};
const output = `${JSON.stringify(tables, null, 2)}\n`;
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== output) {
    console.error(`${target.pathname} is stale: run "bun scripts/generate-syscalls.ts"`);
    process.exit(1);
  }
} else {
  writeFileSync(target, output);
}

function numbers(header: string, flags: readonly string[], base = 0): Record<string, number> {
  const macros = preprocess(["-dM", ...flags], `#include <${header}>\n`);
  const names = [...macros.matchAll(/^#define __NR_(\w+) /gm)].map((match) => match[1] ?? "");
  const lines = names.map((name) => `@${name} __NR_${name}\n`).join("");
  const values = preprocess(flags, `#include <${header}>\n${lines}`);
  const table = new Map<string, number>();
  for (const [, name = "", value = ""] of values.matchAll(/^@(\w+) (.+)$/gm)) {
    const number = evaluate(value);
    if (number !== undefined) table.set(name, number);
  }
  table.delete("syscalls");
  table.delete("arch_specific_syscall");
  NEWER.forEach((name, index) => {
    table.set(name, base + FIRST_NEWER + index);
  });
  return Object.fromEntries([...table].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1)));
}

/** Sums of numbers are all that these headers use. */
function evaluate(expression: string): number | undefined {
  const terms = expression
    .replace(/[()\s]/g, "")
    .split("+")
    .map(Number);
  return terms.every(Number.isInteger) ? terms.reduce((sum, term) => sum + term, 0) : undefined;
}

function preprocess(flags: readonly string[], source: string): string {
  return execFileSync("cc", ["-E", "-P", "-undef", ...flags, "-"], { input: source, encoding: "utf8" });
}
