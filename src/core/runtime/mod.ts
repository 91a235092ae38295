/** The plan compiler: container config → runtime-spec document → plan. Start reading at `runtime.ts`. */
export { CDI_DIRECTORIES } from "./cdi/inject-devices.ts";
export { cgroupsPath, oomPath } from "./cgroups/paths.ts";
export {
  extraHostLines,
  type HostEntry,
  type HostsOptions,
  hostnameFile,
  hostsFile,
  type ResolvConfOptions,
  resolvConfFile,
} from "./files.ts";
export { defaultAppArmorProfile, loadedAppArmorProfile } from "./host/apparmor.ts";
export { discoverHost, type HostBasics } from "./host/discover.ts";
export { type HostNode, type HostReader, hostReader } from "./host/reader.ts";
export { compilePlan, mountRoot } from "./plan/compile.ts";
export { compileExecPlan } from "./plan/exec.ts";
export { type FilesBind, type FilesRoot, filesPlan, scratchOf, treePlan } from "./plan/files.ts";
export { compileForeignPlan } from "./plan/foreign.ts";
export { formatPlan } from "./plan/format.ts";
export type { PlanInput, SpecInput } from "./runtime.ts";
export { buildSpec } from "./spec/build.ts";
export { hiddenPaths } from "./spec/defaults.ts";
export type { BindPoint, MountPoint, TmpfsPoint } from "./spec/mount-point.ts";
export { mountPoints } from "./spec/mount-points.ts";
export { baseEnvironment, mergeEnvironment } from "./spec/process.ts";
export { confinement } from "./spec/security.ts";
export { formatSpec, parseSpec } from "./spec/text.ts";
export type {
  Architecture,
  CgroupFacts,
  ExecOptions,
  HostFacts,
  LimitFacts,
  ResolvedUser,
} from "./types.ts";
export { resolveUser, type UserFiles } from "./users.ts";
export { type Fitted, fitResources } from "./validate/fit-resources.ts";
export { validateHostConfig } from "./validate/host-config.ts";
