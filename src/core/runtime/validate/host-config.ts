import type { HostConfig } from "#api/engine";
import { EngineError } from "#lib/errors";
import { requestedDevices } from "../cdi/inject-devices.ts";
import { invalid } from "../errors.ts";
import type { HostReader } from "../host/reader.ts";
import { containerCapabilities } from "../spec/capabilities.ts";
import { buildDevices } from "../spec/devices.ts";
import { namespaceModes } from "../spec/modes.ts";
import { mountPoints } from "../spec/mount-points.ts";
import { withoutNulls } from "../spec/nulls.ts";
import { rlimit } from "../spec/process.ts";
import { parseSecurity } from "../spec/security.ts";
import { buildSysctls } from "../spec/sysctls.ts";
import type { HostFacts } from "../types.ts";
import { validateResources } from "./resources.ts";

export interface ValidationContext {
  readonly host: HostFacts;
  readonly reader: HostReader;
}

/**
 * Checks at create everything of a host config that the runtime acts on, so that a start can only fail for reasons that
 * came later.
 *
 * @throws `invalid-parameter` for what can never act
 */
export function validateHostConfig(asked: HostConfig, { host, reader }: ValidationContext): void {
  const hostConfig = withoutNulls(asked);
  checkNumbers(hostConfig);
  const modes = namespaceModes(hostConfig, host);
  containerCapabilities(hostConfig, host);
  parseSecurity(hostConfig, host);
  mountPoints(hostConfig);
  buildDevices(hostConfig, reader);
  buildSysctls(hostConfig.Sysctls ?? {}, { modes, domainname: "" });
  for (const limit of hostConfig.Ulimits ?? []) rlimit(limit);
  checkAnnotations(hostConfig.Annotations ?? {});
  requestedDevices(hostConfig, reader);
  checkUnavailable(hostConfig);
  validateResources(hostConfig, host, reader);
}

function checkNumbers({ OomScoreAdj = 0, ShmSize = 0 }: HostConfig): void {
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    throw invalid(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (ShmSize < 0) throw invalid("SHM size can not be less than 0");
}

function checkAnnotations(annotations: Readonly<Record<string, string>>): void {
  if ("" in annotations) throw invalid("invalid Annotations: the empty string is not permitted as an annotation key");
}

/** Options that Docker knows and that nothing here stands for. */
function checkUnavailable(hostConfig: HostConfig): void {
  const { Isolation, StorageOpt, VolumeDriver } = hostConfig;
  if (Isolation && Isolation !== "default") {
    throw invalid(`invalid isolation (${Isolation}): linux only supports 'default'`);
  }
  for (const option of Object.keys(StorageOpt ?? {})) {
    if (option.toLowerCase() !== "size") throw invalid(`Unknown option ${option}`);
    throw invalid("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
  if (VolumeDriver && VolumeDriver !== "local") throw unavailable(`volume driver "${VolumeDriver}"`);
}

function unavailable(what: string): EngineError {
  return new EngineError("not-implemented", `${what} is not available in this engine`);
}
