import type { Resources, ThrottleDevice } from "#api/engine";
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
import type { LimitFacts } from "../types.ts";

/** The period that `NanoCpus` is turned into a quota of, in microseconds. */
const CPU_PERIOD = 100_000;
const NANO_CPUS = 1_000_000_000;

interface ResourceOptions {
  readonly reader: HostReader;
  /** What the kernel cannot limit is left out: its user was warned at create. */
  readonly limits: LimitFacts;
  readonly devices: readonly DeviceRule[];
}

/** Limits as the runtime specification says them. Zero is the API's word for "not set". */
export function buildResources(resources: Resources, { reader, limits, devices }: ResourceOptions): SpecResources {
  const cpu = cpuResources(resources, limits);
  const pids = resources.PidsLimit ?? 0;
  return {
    devices,
    memory: memoryResources(resources, limits),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids > 0 && limits.pids ? { pids: { limit: pids } } : {}),
    blockIO: blockResources(resources, limits, reader),
  };
}

function memoryResources(resources: Resources, limits: LimitFacts): MemoryResources {
  const { Memory = 0, MemoryReservation = 0, MemorySwap = 0, MemorySwappiness = -1 } = resources;
  // Docker's default: as much swap again as memory.
  const swap = Memory > 0 && MemorySwap === 0 ? Memory * 2 : MemorySwap;
  return {
    ...(Memory > 0 && limits.memory ? { limit: Memory } : {}),
    ...(MemoryReservation > 0 && limits.memoryReservation ? { reservation: MemoryReservation } : {}),
    ...(swap > 0 && limits.swap ? { swap } : {}),
    ...(MemorySwappiness >= 0 && limits.swappiness ? { swappiness: MemorySwappiness } : {}),
    ...(limits.kernelMemoryTCP ? positive("kernelTCP", resources.KernelMemoryTCP) : {}),
    disableOOMKiller: limits.oomKillDisable && (resources.OomKillDisable ?? false),
  };
}

function cpuResources(resources: Resources, limits: LimitFacts): CpuResources {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0 } = resources;
  const quota = NanoCpus > 0 ? Math.trunc((NanoCpus * CPU_PERIOD) / NANO_CPUS) : CpuQuota;
  const period = NanoCpus > 0 ? CPU_PERIOD : CpuPeriod;
  return {
    ...(limits.cpuShares ? positive("shares", resources.CpuShares) : {}),
    ...(limits.cpuQuota && quota !== 0 ? { quota } : {}),
    ...(limits.cpuQuota ? positive("period", period) : {}),
    ...(limits.cpuRealtime ? positive("realtimeRuntime", resources.CpuRealtimeRuntime) : {}),
    ...(limits.cpuRealtime ? positive("realtimePeriod", resources.CpuRealtimePeriod) : {}),
    ...(limits.cpuset && resources.CpusetCpus ? { cpus: resources.CpusetCpus } : {}),
    ...(limits.cpuset && resources.CpusetMems ? { mems: resources.CpusetMems } : {}),
  };
}

function positive<K extends string>(key: K, value: number | undefined): { [key in K]?: number } {
  return value !== undefined && value > 0 ? ({ [key]: value } as { [key in K]: number }) : {};
}

function blockResources(resources: Resources, limits: LimitFacts, reader: HostReader): BlockIOResources {
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
    ...(limits.blkioWeightDevice ? { weightDevice: weights } : {}),
    ...(limits.blkioThrottle
      ? {
          throttleReadBpsDevice: throttles(resources.BlkioDeviceReadBps),
          throttleWriteBpsDevice: throttles(resources.BlkioDeviceWriteBps),
          throttleReadIOPSDevice: throttles(resources.BlkioDeviceReadIOps),
          throttleWriteIOPSDevice: throttles(resources.BlkioDeviceWriteIOps),
        }
      : {}),
  };
  return {
    ...(limits.blkioWeight ? positive("weight", resources.BlkioWeight) : {}),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  };
}
