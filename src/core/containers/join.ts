import type { NetworkingConfig } from "#api/engine";
import type { Endpoint, EndpointPlan } from "#core/networks";
import type { SpecInput } from "#core/runtime";
import { EngineError, messageOf } from "#lib/errors";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { interfaceSettings } from "./endpoint-settings.ts";
import { isRestarting, notRunning } from "./errors.ts";
import { requestedPorts } from "./ports.ts";

const CONTAINER = "container:";

/** A container's place on its network, as far as it has one of its own. */
export async function joinNetwork(
  context: Context,
  container: Container,
): Promise<{ endpoint?: Endpoint; plan?: EndpointPlan }> {
  const { id, name, config, hostConfig, networking } = container;
  const mode = hostConfig.NetworkMode ?? "bridge";
  if (mode.startsWith(CONTAINER)) return {};
  refuseFurtherNetworks(mode, networking);
  if (mode === "host") return {};
  if (mode === "none" || config.NetworkDisabled) return { plan: context.networks.loopbackPlan() };
  if (mode !== "bridge") throw cannotConnect("not-found", `network ${mode} not found`);
  const endpoint = networking.EndpointsConfig?.bridge;
  return await context.networks.attach({
    containerID: id,
    containerName: name,
    ports: requestedPorts(config, hostConfig),
    macAddress: endpoint?.MacAddress || config.MacAddress || "",
    interface: interfaceSettings(endpoint),
  });
}

/** @throws `not-found`, `invalid-parameter`, in Docker's words */
function refuseFurtherNetworks(mode: string, { EndpointsConfig }: NetworkingConfig): void {
  const others = Object.keys(EndpointsConfig ?? {}).filter((name) => name !== mode);
  const [unknown] = others.filter((name) => !["bridge", "host", "none"].includes(name));
  if (unknown !== undefined) throw cannotConnect("not-found", `network ${unknown} not found`);
  if (others.length === 0) return;
  if (others.includes("host") || mode === "host") {
    throw cannotConnect(
      "invalid-parameter",
      "cannot connect container to host network - container must be created in host network mode",
    );
  }
  throw cannotConnect(
    "invalid-parameter",
    "container cannot be connected to multiple networks with one of the networks in private (none) mode",
  );
}

function cannotConnect(kind: "not-found" | "invalid-parameter", why: string): EngineError {
  return new EngineError(kind, `failed to set up container networking: ${why}`);
}

/** A container with the names of the one whose network it joins: its hostname is what addresses there are looked up by. */
export function withJoinedNames(context: Context, container: Container): Container {
  const donor = networkDonor(context, container);
  if (!donor) return container;
  const { Hostname = "", Domainname = "" } = donor.config;
  return { ...container, config: { ...container.config, Hostname, Domainname } };
}

function networkDonor(context: Context, { hostConfig }: Container): Container | undefined {
  try {
    return joinedContainer(context, hostConfig.NetworkMode);
  } catch (cause) {
    const message = `joining network namespace of container: ${messageOf(cause)}`;
    throw new EngineError("invalid-parameter", message, { cause });
  }
}

/** The processes whose namespaces a container joins (`container:` modes). @throws `not-found`, `conflict` */
export function joinNamespaces(context: Context, { id, hostConfig }: Container): SpecInput["join"] {
  const network = joinedContainer(context, hostConfig.NetworkMode);
  if (network?.id === id) throw new EngineError("invalid-parameter", "cannot join own network");
  const ipc = joinedContainer(context, hostConfig.IpcMode);
  if (ipc && ipc.hostConfig.IpcMode !== "shareable") {
    throw new EngineError(
      "invalid-parameter",
      `failed to join IPC namespace: container ${ipc.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  }
  const pid = joinedContainer(context, hostConfig.PidMode);
  return {
    ...(network ? { network: pidOf(context, network) } : {}),
    ...(ipc ? { ipc: pidOf(context, ipc) } : {}),
    ...(pid ? { pid: pidOf(context, pid) } : {}),
  };
}

/** The /dev/shm of a container that shares it: its own, to be mounted at that size, or the one it joins. */
export function sharedMemory(
  context: Context,
  { id, hostConfig }: Container,
): { path: string; sizeBytes: number } | undefined {
  const donor = joinedContainer(context, hostConfig.IpcMode);
  if (donor) return { path: context.layout.task(donor.id).shm, sizeBytes: 0 };
  if (hostConfig.IpcMode !== "shareable") return undefined;
  return { path: context.layout.task(id).shm, sizeBytes: hostConfig.ShmSize ?? context.defaults.shmSizeBytes };
}

/** The container named by a mode `container:REFERENCE`; undefined for other modes. */
export function joinedContainer(context: Context, mode: string | undefined): Container | undefined {
  return mode?.startsWith(CONTAINER) ? context.store.resolve(mode.slice(CONTAINER.length)) : undefined;
}

function pidOf(context: Context, { id, state }: Container): number {
  if (state.status === "restarting") throw isRestarting(id);
  const task = context.tasks.get(id);
  if (!task || !("pid" in state)) throw notRunning(id);
  return task.pid;
}
