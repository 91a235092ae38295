import type { HostConfig, Resources, ThrottleDevice } from "#api/engine";
import type {
  BlockIOResources,
  BlockThrottle,
  CpuResources,
  DeviceRule,
  MemoryResources,
  SpecResources,
} from "#api/oci";
import { invalid } from "../errors.ts";
import type { HostReader } from "../host/reader.ts";

/** The period that `NanoCpus` is turned into a quota of, in microseconds. */
const CPU_PERIOD = 100_000;
const NANO_CPUS = 1_000_000_000;

/** Limits as the runtime specification says them. Zero is the API's word for "not set". */
export function buildResources(
  hostConfig: HostConfig,
  reader: HostReader,
  devices: readonly DeviceRule[],
): SpecResources {
  const cpu = cpuResources(hostConfig);
  const pids = hostConfig.PidsLimit ?? 0;
  return {
    devices,
    memory: memoryResources(hostConfig),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids > 0 ? { pids: { limit: pids } } : {}),
    blockIO: blockResources(hostConfig, reader),
  };
}

function memoryResources(resources: Resources): MemoryResources {
  const { Memory = 0, MemoryReservation = 0, MemorySwap = 0, MemorySwappiness = -1 } = resources;
  // Docker's default: as much swap again as memory.
  const swap = Memory > 0 && MemorySwap === 0 ? Memory * 2 : MemorySwap;
  return {
    ...(Memory > 0 ? { limit: Memory } : {}),
    ...(MemoryReservation > 0 ? { reservation: MemoryReservation } : {}),
    ...(swap > 0 ? { swap } : {}),
    ...(MemorySwappiness >= 0 ? { swappiness: MemorySwappiness } : {}),
    disableOOMKiller: resources.OomKillDisable ?? false,
  };
}

function cpuResources(resources: Resources): CpuResources {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0 } = resources;
  const quota = NanoCpus > 0 ? Math.trunc((NanoCpus * CPU_PERIOD) / NANO_CPUS) : CpuQuota;
  const period = NanoCpus > 0 ? CPU_PERIOD : CpuPeriod;
  return {
    ...positive("shares", resources.CpuShares),
    ...(quota !== 0 ? { quota } : {}),
    ...positive("period", period),
    ...positive("realtimeRuntime", resources.CpuRealtimeRuntime),
    ...positive("realtimePeriod", resources.CpuRealtimePeriod),
    ...(resources.CpusetCpus ? { cpus: resources.CpusetCpus } : {}),
    ...(resources.CpusetMems ? { mems: resources.CpusetMems } : {}),
  };
}

function positive<K extends string>(key: K, value: number | undefined): { [key in K]?: number } {
  return value !== undefined && value > 0 ? ({ [key]: value } as { [key in K]: number }) : {};
}

function blockResources(resources: Resources, reader: HostReader): BlockIOResources {
  const numbers = (path = "") => {
    const node = reader.stat(path);
    if (!node) throw invalid(`block device "${path}": no such file or directory`);
    if (node.kind !== "block") throw invalid(`block device "${path}": not a block device`);
    return { major: node.major, minor: node.minor };
  };
  const throttles = (devices: readonly ThrottleDevice[] | undefined): BlockThrottle[] =>
    (devices ?? []).map(({ Path, Rate = 0 }) => ({ ...numbers(Path), rate: Rate }));
  const weights = (resources.BlkioWeightDevice ?? []).map(({ Path, Weight = 0 }) => ({
    ...numbers(Path),
    weight: Weight,
  }));
  const lists = {
    weightDevice: weights,
    throttleReadBpsDevice: throttles(resources.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttles(resources.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttles(resources.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttles(resources.BlkioDeviceWriteIOps),
  };
  return {
    ...positive("weight", resources.BlkioWeight),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  };
}
