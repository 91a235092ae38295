import type { HostConfig } from "#api/engine";
import { invalid } from "../errors.ts";
import type { HostFacts } from "../types.ts";

/** Which of the host's or another container's namespaces a container uses. `private` is a new one. */
export interface NamespaceModes {
  /** `private`: whatever network it is attached to, `none` included. */
  readonly network: "private" | "host" | "container";
  readonly ipc: "private" | "shareable" | "none" | "host" | "container";
  readonly pid: "private" | "host" | "container";
  readonly uts: "private" | "host";
  readonly cgroup: "private" | "host";
}

/** @throws `invalid-parameter` naming the mode that does not exist */
export function namespaceModes(hostConfig: HostConfig, host: HostFacts): NamespaceModes {
  const userns = hostConfig.UsernsMode ?? "";
  if (userns !== "" && userns !== "host") {
    throw invalid(
      `invalid user namespace mode: ${userns}: this engine runs containers in the host's user namespace; use "host" or leave it out`,
    );
  }
  return {
    network: networkMode(hostConfig.NetworkMode ?? ""),
    ipc: oneOf(hostConfig.IpcMode, ["private", "shareable", "none", "host", "container"], "IPC mode"),
    pid: oneOf(hostConfig.PidMode, ["private", "host", "container"], "PID mode"),
    uts: oneOf(hostConfig.UTSMode, ["private", "host"], "UTS mode"),
    cgroup: cgroupMode(hostConfig, host),
  };
}

/** The reference in `container:REF`; empty for other modes. */
function joinedContainer(mode: string | undefined): string {
  return mode?.startsWith("container:") ? mode.slice("container:".length) : "";
}

function networkMode(mode: string): NamespaceModes["network"] {
  if (mode === "host") return "host";
  if (!mode.startsWith("container:")) return "private";
  if (!joinedContainer(mode)) throw invalid("invalid network mode: invalid container format container:<name|id>");
  return "container";
}

function oneOf<T extends string>(
  mode: string | undefined,
  words: readonly ["private", ...T[]],
  what: string,
): "private" | T {
  if (!mode) return "private";
  const word = joinedContainer(mode) ? "container" : mode;
  // `container` alone is no mode: it needs its reference. `private` is Docker's word for IPC only.
  const spelled = word !== "container" || joinedContainer(mode) !== "";
  const found = words.find((known) => known === word);
  if (!found || !spelled || (word === "private" && what !== "IPC mode")) throw invalid(`invalid ${what}: ${mode}`);
  return found;
}

/** Docker's default: the host's on v1, a private one on v2; privileged containers get the same default. */
function cgroupMode({ CgroupnsMode: mode }: HostConfig, host: HostFacts): NamespaceModes["cgroup"] {
  if (mode === "private" || mode === "host") return mode;
  if (mode) throw invalid(`invalid cgroup namespace mode: ${mode}`);
  return host.cgroups.mode === "v2" ? "private" : "host";
}
