import type { SeccompRule, SpecSeccomp } from "#api/oci";
import type { Architecture, HostFacts } from "../types.ts";
import type { ProfileRule, RuleFilter, SeccompProfile } from "./profile.ts";

/** Who the filter is for. */
export interface SeccompContext {
  readonly architecture: Architecture;
  readonly kernel: HostFacts["kernel"];
  /** Names of the container's bounding set. */
  readonly capabilities: readonly string[];
}

/** The kernel's names, libseccomp's and Go's for one architecture. */
const ARCHITECTURES: Readonly<Record<Architecture, { seccomp: string; go: string }>> = {
  x86_64: { seccomp: "SCMP_ARCH_X86_64", go: "amd64" },
  aarch64: { seccomp: "SCMP_ARCH_AARCH64", go: "arm64" },
};

/** What is left of a profile for one container: the filter that goes into its runtime-spec document. */
export function resolveProfile(profile: SeccompProfile, context: SeccompContext): SpecSeccomp {
  const { seccomp } = ARCHITECTURES[context.architecture];
  const mapped = profile.archMap?.find((entry) => entry.architecture === seccomp);
  const architectures = mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : profile.architectures;
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet == null ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures?.length ? { architectures } : {}),
    ...(profile.flags?.length ? { flags: profile.flags } : {}),
    syscalls: profile.syscalls.filter((rule) => applies(rule, context)).map(plainRule),
  };
}

function plainRule(rule: ProfileRule): SeccompRule {
  return {
    names: rule.name ? [rule.name] : (rule.names ?? []),
    action: rule.action,
    ...(rule.errnoRet == null ? {} : { errnoRet: rule.errnoRet }),
    ...(rule.args?.length ? { args: rule.args } : {}),
  };
}

function applies({ includes = {}, excludes = {} }: ProfileRule, context: SeccompContext): boolean {
  return included(includes ?? {}, context) && !excluded(excludes ?? {}, context);
}

function included({ arches, caps, minKernel }: RuleFilter, context: SeccompContext): boolean {
  if (arches?.length && !arches.includes(ARCHITECTURES[context.architecture].go)) return false;
  if (caps?.length && !caps.every((name) => context.capabilities.includes(name))) return false;
  return !minKernel || kernelAtLeast(context.kernel, minKernel);
}

function excluded({ arches, caps, minKernel }: RuleFilter, context: SeccompContext): boolean {
  if (arches?.includes(ARCHITECTURES[context.architecture].go)) return true;
  if (caps?.some((name) => context.capabilities.includes(name))) return true;
  return Boolean(minKernel) && kernelAtLeast(context.kernel, minKernel ?? "");
}

function kernelAtLeast(kernel: HostFacts["kernel"], version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}
