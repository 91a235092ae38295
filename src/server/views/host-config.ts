import type { DeviceRequest, HostConfig } from "#api/engine";
import type { Wire } from "./wire.ts";

/** What inspect shows for a field that nobody set: Go's zero value of it. */
const ZERO: Wire<HostConfig> = {
  Binds: null,
  ContainerIDFile: "",
  LogConfig: { Type: "json-file", Config: {} },
  NetworkMode: "bridge",
  PortBindings: null,
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: "private",
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  ShmSize: 67108864,
  Runtime: "",
  Isolation: "",
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: null,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  MaskedPaths: null,
  ReadonlyPaths: null,
};

/** Fields that Go leaves out when they are empty. */
const OMIT_EMPTY = ["Annotations", "Init", "KernelMemoryTCP", "Mounts", "StorageOpt", "Sysctls", "Tmpfs"] as const;

/** The document as inspect shows it: every field, in Docker's spelling of emptiness. */
export function hostConfigView(hostConfig: HostConfig): Wire<HostConfig> {
  const view: Record<string, unknown> = { ...ZERO };
  for (const [key, value] of Object.entries(hostConfig)) {
    if (value !== undefined && value !== null) view[key] = value;
  }
  if (hostConfig.DeviceRequests) view.DeviceRequests = hostConfig.DeviceRequests.map(deviceRequestView);
  for (const key of OMIT_EMPTY) if (isEmpty(view[key])) delete view[key];
  // `{"Name":""}` means the same, and clients compare with "no".
  if (!hostConfig.RestartPolicy?.Name) view.RestartPolicy = ZERO.RestartPolicy;
  return view;
}

const NO_REQUEST = { Driver: "", Count: 0, DeviceIDs: null, Capabilities: null, Options: null };

function deviceRequestView(request: DeviceRequest): Record<string, unknown> {
  const given = Object.entries(request).filter(([, value]) => value !== undefined && value !== null);
  return { ...NO_REQUEST, ...Object.fromEntries(given) };
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === 0 ||
    (typeof value === "object" && value !== null && Object.keys(value).length === 0)
  );
}
