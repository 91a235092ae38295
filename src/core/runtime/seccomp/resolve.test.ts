import { describe, expect, test } from "bun:test";
import { defaultProfile, parseProfile, type SeccompProfile } from "./profile.ts";
import { resolveProfile, type SeccompContext } from "./resolve.ts";

const context: SeccompContext = { architecture: "x86_64", kernel: { major: 4, minor: 8 }, capabilities: ["CAP_BPF"] };

function namesAllowed(profile: SeccompProfile, changes: Partial<SeccompContext> = {}): string[] {
  const { syscalls = [] } = resolveProfile(profile, { ...context, ...changes });
  return syscalls.flatMap((rule) => rule.names);
}

describe("resolveProfile()", () => {
  const action = "SCMP_ACT_ALLOW" as const;
  const profile: SeccompProfile = {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [
      { names: ["always"], action },
      { names: ["with-cap"], action, includes: { caps: ["CAP_BPF"] } },
      { names: ["with-two"], action, includes: { caps: ["CAP_BPF", "CAP_CHOWN"] } },
      { names: ["without-cap"], action, excludes: { caps: ["CAP_BPF", "CAP_CHOWN"] } },
      { names: ["here"], action, includes: { arches: ["amd64", "x32"] } },
      { names: ["not-here"], action, excludes: { arches: ["amd64"] } },
      { names: ["new"], action, includes: { minKernel: "4.8" } },
      { names: ["newer"], action, includes: { minKernel: "4.10" } },
      { name: "old-style", action, excludes: { minKernel: "4.9" } },
    ],
  };

  test("keeps the rules that apply to capabilities, architecture and kernel", () => {
    expect(namesAllowed(profile)).toEqual(["always", "with-cap", "here", "new", "old-style"]);
    const elsewhere = { architecture: "aarch64", kernel: { major: 5, minor: 0 }, capabilities: [] } as const;
    expect(namesAllowed(profile, elsewhere)).toEqual(["always", "without-cap", "not-here", "new", "newer"]);
  });

  test("names the architectures of the profile's map, or those it lists", () => {
    expect(resolveProfile(defaultProfile, context).architectures).toEqual([
      "SCMP_ARCH_X86_64",
      "SCMP_ARCH_X86",
      "SCMP_ARCH_X32",
    ]);
    expect(resolveProfile({ ...profile, architectures: ["SCMP_ARCH_X86_64"] }, context).architectures).toEqual([
      "SCMP_ARCH_X86_64",
    ]);
    expect(resolveProfile(profile, context).architectures).toBeUndefined();
  });
});

describe("parseProfile()", () => {
  const rule = (parts: object) =>
    JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["a"], action: "SCMP_ACT_ERRNO", ...parts }],
    });

  test("keeps operands that JavaScript's numbers cannot hold", () => {
    const text = rule({ args: [{ index: 0, op: "SCMP_CMP_EQ", value: 0 }] }).replace(
      '"value":0',
      '"value":18446744073709551615',
    );
    expect(parseProfile(text).syscalls[0]?.args?.[0]?.value).toBe(0xffffffffffffffffn);
  });

  test("takes a profile without rules", () => {
    expect(parseProfile('{"defaultAction":"SCMP_ACT_LOG","syscalls":null}').syscalls).toEqual([]);
  });

  test.each([
    ["", "Decoding seccomp profile failed: "],
    ["[1", "Decoding seccomp profile failed: "],
    ["null", "it is not an object"],
    ["{}", "action undefined does not exist"],
    [rule({ action: "SCMP_ACT_NOTIFY" }), "needs a listener"],
    [rule({ names: [] }), "a rule names no system call"],
    [rule({ names: [1] }), "a rule names no system call"],
    [rule({ name: "b" }), "use either 'name' or 'names'"],
    [rule({ args: [{ index: 6, op: "SCMP_CMP_EQ", value: 1 }] }), "argument index 6 is not 0 to 5"],
    [rule({ args: [{ index: 0, op: "SCMP_CMP_XX", value: 1 }] }), 'operator "SCMP_CMP_XX" does not exist'],
    [rule({ args: [{ index: 0, op: "SCMP_CMP_EQ", value: -1 }] }), "argument value -1 is no 64-bit number"],
    [rule({ args: [{ index: 0, op: "SCMP_CMP_EQ" }] }), "argument value undefined is no 64-bit number"],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}', "syscalls is not a list"],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["a"],"archMap":[{"architecture":"a"}]}',
      "both 'architectures' and 'archMap'",
    ],
  ])("refuses %s", (text, message) => {
    expect(() => parseProfile(text)).toThrow(message);
  });
});
