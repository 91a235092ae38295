import type { HostConfig } from "#api/engine";
import type { Container } from "./container.ts";
import type { Defaults } from "./context.ts";
import { withVolumes } from "./mount-points.ts";

/**
 * What a container is started with: its own host config, and the daemon's defaults of today where it says nothing. Those are not
 * written into the record, so that a restart after a change of the configuration follows it, as Docker's does.
 */
export function effectiveHostConfig(
  { hostConfig, mounts }: Pick<Container, "hostConfig" | "mounts">,
  defaults: Defaults,
): HostConfig {
  const own = new Set((hostConfig.Ulimits ?? []).map((limit) => limit.Name));
  return {
    ...withVolumes(hostConfig, mounts),
    Init: hostConfig.Init ?? defaults.init,
    Ulimits: [...(hostConfig.Ulimits ?? []), ...defaults.ulimits.filter((limit) => !own.has(limit.Name))],
    SecurityOpt: securityOptions(hostConfig, defaults),
  };
}

function securityOptions({ SecurityOpt, Privileged }: HostConfig, defaults: Defaults): string[] {
  const options = [...(SecurityOpt ?? [])];
  const says = (key: string) => options.some((option) => option.split(/[=:]/, 1)[0] === key);
  if (defaults.noNewPrivileges && !says("no-new-privileges")) options.push("no-new-privileges");
  if (defaults.seccompProfile && !says("seccomp") && !Privileged) options.push(`seccomp=${defaults.seccompProfile}`);
  return options;
}
