import { posix } from "node:path";
import type { Linux, Spec, SpecNamespace, SpecNamespaceType } from "#api/oci";
import { injectDevices, requestedDevices } from "../cdi/inject-devices.ts";
import type { SpecInput } from "../runtime.ts";
import { hiddenPaths } from "./defaults.ts";
import { buildDevices } from "./devices.ts";
import { type NamespaceModes, namespaceModes } from "./modes.ts";
import { mountPoints } from "./mount-points.ts";
import { buildMounts } from "./mounts.ts";
import { withoutNulls } from "./nulls.ts";
import { buildProcess } from "./process.ts";
import { rootPropagation } from "./propagation.ts";
import { buildResources } from "./resources.ts";
import { parseSecurity, type Security } from "./security.ts";
import { buildSysctls } from "./sysctls.ts";

/** The version of the runtime specification that these documents follow. */
const OCI_VERSION = "1.2.1";

/**
 * Translates a container into a runtime-spec document with Docker's defaults.
 *
 * @throws `invalid-parameter` naming the option that cannot act on this host
 */
export function buildSpec(asked: SpecInput): Spec {
  const input = { ...asked, config: withoutNulls(asked.config), hostConfig: withoutNulls(asked.hostConfig) };
  const { config, hostConfig } = input;
  const modes = namespaceModes(hostConfig, input.host);
  const security = parseSecurity(hostConfig, input.host);
  const annotations = hostConfig.Annotations ?? {};
  const spec: Spec = {
    ociVersion: OCI_VERSION,
    process: buildProcess(input, security),
    root: { path: input.rootPath, ...(hostConfig.ReadonlyRootfs ? { readonly: true } : {}) },
    ...(modes.uts === "private" && config.Hostname ? { hostname: config.Hostname } : {}),
    mounts: buildMounts(input, modes, security),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    linux: buildLinux(input, modes, security),
  };
  const devices = requestedDevices(hostConfig, input.reader);
  return devices.length > 0 ? injectDevices(spec, devices, input.reader) : spec;
}

function buildLinux(input: SpecInput, modes: NamespaceModes, security: Security): Linux {
  const { config, hostConfig } = input;
  const domainname = modes.uts === "private" ? (config.Domainname ?? "") : "";
  const { devices, rules } = buildDevices(hostConfig, input.reader);
  const sysctl = buildSysctls(hostConfig.Sysctls ?? {}, { modes, domainname });
  return {
    sysctl,
    resources: buildResources(hostConfig, { reader: input.reader, limits: input.host.cgroups.limits, devices: rules }),
    cgroupsPath: input.cgroupsPath,
    namespaces: buildNamespaces(modes, input.join),
    ...(devices.length > 0 ? { devices } : {}),
    ...rootPropagation(mountPoints(hostConfig)),
    ...(security.seccomp ? { seccomp: security.seccomp } : {}),
    ...shieldedPaths(input, security),
  };
}

function shieldedPaths(
  { hostConfig, host }: SpecInput,
  security: Security,
): Pick<Linux, "maskedPaths" | "readonlyPaths"> {
  const open = hostConfig.Privileged || security.systemPathsUnconfined;
  const usual = open ? { maskedPaths: [], readonlyPaths: [] } : hiddenPaths(host);
  const maskedPaths = fromRoot(hostConfig.MaskedPaths ?? usual.maskedPaths);
  const readonlyPaths = fromRoot(hostConfig.ReadonlyPaths ?? usual.readonlyPaths);
  return {
    ...(maskedPaths.length > 0 ? { maskedPaths } : {}),
    ...(readonlyPaths.length > 0 ? { readonlyPaths } : {}),
  };
}

/** Runtimes stand in the root when they come to these paths. */
function fromRoot(paths: readonly string[]): string[] {
  return paths.map((path) => posix.join("/", path));
}

function buildNamespaces(modes: NamespaceModes, join: SpecInput["join"]): SpecNamespace[] {
  const joined = (type: SpecNamespaceType, file: string, pid: number | undefined): SpecNamespace[] =>
    pid === undefined ? [{ type }] : [{ type, path: `/proc/${pid}/ns/${file}` }];
  return [
    { type: "mount" },
    ...(modes.network === "host" ? [] : joined("network", "net", join.network)),
    ...(modes.uts === "host" ? [] : joined("uts", "uts", undefined)),
    ...(modes.pid === "host" ? [] : joined("pid", "pid", join.pid)),
    ...(modes.ipc === "host" ? [] : joined("ipc", "ipc", join.ipc)),
    ...(modes.cgroup === "host" ? [] : joined("cgroup", "cgroup", undefined)),
  ];
}
