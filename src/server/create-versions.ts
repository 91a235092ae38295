import type { ContainerConfig, HostConfig, Mount, NetworkingConfig } from "#api/engine";

interface CreateDocuments {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networking: NetworkingConfig;
}

type Step = (documents: CreateDocuments) => CreateDocuments;

/**
 * What a create request of an older version could not say, or meant otherwise (api/server/router/container,
 * `postContainersCreate`): each step holds for versions before its number.
 */
const STEPS: readonly (readonly [before: number, step: Step])[] = [
  [40, hostConfig(({ IpcMode, ...rest }) => ({ ...rest, IpcMode: IpcMode || "shareable" }))],
  [40, mounts((mount) => withoutBindOptions(mount, ["NonRecursive"]))],
  [41, hostConfig(({ CgroupnsMode, ...rest }) => ({ ...rest, CgroupnsMode: CgroupnsMode || "host" }))],
  [42, hostConfig(({ ConsoleSize: _, ...rest }) => rest)],
  [42, mounts((mount) => withoutBindOptions(mount, ["CreateMountpoint"]))],
  [43, hostConfig(({ Annotations: _, ...rest }) => rest)],
  [44, mounts((mount) => withoutBindOptions(mount, ["ReadOnlyNonRecursive", "ReadOnlyForceRecursive"]))],
  [44, withoutStartInterval],
  [44, withoutEndpointMacAddresses],
  [44, withMacAddressAtEndpoint],
];

/** The documents as a client of API version 1.`version` meant them. */
export function asOfVersion(documents: CreateDocuments, version: number): CreateDocuments {
  return STEPS.filter(([before]) => version < before).reduce((result, [, step]) => step(result), documents);
}

function hostConfig(change: (hostConfig: HostConfig) => HostConfig): Step {
  return (documents) => ({ ...documents, hostConfig: change(documents.hostConfig) });
}

function mounts(change: (mount: Mount) => Mount): Step {
  return hostConfig((all) => (all.Mounts ? { ...all, Mounts: all.Mounts.map(change) } : all));
}

function withoutBindOptions(mount: Mount, names: readonly string[]): Mount {
  if (!mount.BindOptions) return mount;
  const kept = Object.entries(mount.BindOptions).filter(([name]) => !names.includes(name));
  return { ...mount, BindOptions: Object.fromEntries(kept) };
}

function withoutStartInterval(documents: CreateDocuments): CreateDocuments {
  const { config } = documents;
  if (!config.Healthcheck) return documents;
  const { StartInterval: _, ...healthcheck } = config.Healthcheck;
  return { ...documents, config: { ...config, Healthcheck: healthcheck } };
}

function withoutEndpointMacAddresses(documents: CreateDocuments): CreateDocuments {
  const endpoints = documents.networking.EndpointsConfig;
  if (!endpoints) return documents;
  const kept = Object.entries(endpoints).map(([name, { MacAddress: _, ...endpoint }]) => [name, endpoint]);
  return { ...documents, networking: { ...documents.networking, EndpointsConfig: Object.fromEntries(kept) } };
}

/** The address of a container's only network then; today that has its own place, and who uses the old one is warned. */
function withMacAddressAtEndpoint(documents: CreateDocuments): CreateDocuments {
  const { MacAddress, ...config } = documents.config;
  if (!MacAddress) return documents;
  const mode = documents.hostConfig.NetworkMode || "default";
  if (mode === "host" || mode.startsWith("container:")) return { ...documents, config };
  const endpoints = documents.networking.EndpointsConfig;
  const EndpointsConfig = { ...endpoints, [mode]: { ...endpoints?.[mode], MacAddress } };
  return { ...documents, config, networking: { ...documents.networking, EndpointsConfig } };
}
