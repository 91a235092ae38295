/** Limits of a container that Docker refuses. What it drops, since a kernel cannot, has gone before (`fitResources`). */
import type { Resources } from "#api/engine";
import { invalid } from "../errors.ts";
import type { HostReader } from "../host/reader.ts";
import { cpuList } from "../linux/cpu-list.ts";
import { buildResources } from "../spec/resources.ts";
import type { HostFacts, LimitFacts } from "../types.ts";

const MIB = 1024 * 1024;
/** Below this a container's own start-up does not fit. */
const MEMORY_MINIMUM = 6 * MIB;

/** @throws `invalid-parameter` */
export function validateResources(resources: Resources, host: HostFacts, reader: HostReader): void {
  const { limits } = host.cgroups;
  checkIntegers(resources);
  checkMemory(resources);
  checkCpu(resources, host);
  checkBlockIO(resources);
  checkOthers(resources);
  // Names of block devices have to lead to some.
  buildResources(resources, { reader, limits, devices: [] });
}

function checkIntegers(resources: Resources): void {
  for (const [name, value] of Object.entries(resources)) {
    if (typeof value === "number" && !Number.isSafeInteger(value)) throw invalid(`invalid value ${value} for ${name}`);
  }
}

function checkMemory({ Memory = 0, MemorySwap = 0, MemoryReservation = 0, MemorySwappiness }: Resources): void {
  if (Memory !== 0 && Memory < MEMORY_MINIMUM) throw invalid("Minimum memory limit allowed is 6MB");
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    throw invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (Memory === 0 && MemorySwap > 0) {
    throw invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
  }
  if (MemorySwappiness !== undefined && (MemorySwappiness < -1 || MemorySwappiness > 100)) {
    throw invalid(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
  }
  if (MemoryReservation !== 0 && MemoryReservation < MEMORY_MINIMUM) {
    throw invalid("Minimum memory reservation allowed is 6MB");
  }
  if (Memory > 0 && Memory < MemoryReservation) {
    throw invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
}

/** Bounds of the kernel's CFS bandwidth, in microseconds (kernel/sched/core.c). */
const CPU_PERIOD = { minimum: 1_000, maximum: 1_000_000 };
const CPU_QUOTA_MINIMUM = 1_000;
const CPU_SHARES_MINIMUM = 2;

function checkCpu(resources: Resources, host: HostFacts): void {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0 } = resources;
  if (NanoCpus > 0 && !host.cgroups.limits.cpuQuota) {
    throw invalid(
      "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
    );
  }
  if (NanoCpus > 0 && CpuPeriod > 0) throw conflict("Nano CPUs and CPU Period cannot both be set");
  if (NanoCpus > 0 && CpuQuota > 0) throw conflict("Nano CPUs and CPU Quota cannot both be set");
  if (NanoCpus < 0 || NanoCpus > host.cpus * 1e9 || (NanoCpus > 0 && NanoCpus < 1e7)) {
    throw invalid(`range of CPUs is from 0.01 to ${host.cpus}.00, as there are only ${host.cpus} CPUs available`);
  }
  if (CpuShares < 0) throw invalid(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  if (CpuShares > 0 && CpuShares < CPU_SHARES_MINIMUM) throw invalid("the minimum allowed cpu-shares is 2");
  if (CpuPeriod !== 0 && (CpuPeriod < CPU_PERIOD.minimum || CpuPeriod > CPU_PERIOD.maximum)) {
    throw invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (CpuQuota > 0 && CpuQuota < CPU_QUOTA_MINIMUM) throw invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  checkRealtime(resources, host.cgroups.limits);
  checkCpuset("cpus", resources.CpusetCpus ?? "", host.cpusetCpus);
  checkCpuset("mems", resources.CpusetMems ?? "", host.cpusetMems);
}

function conflict(what: string): Error {
  return invalid(`Conflicting options: ${what}`);
}

function checkRealtime({ CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 }: Resources, limits: LimitFacts): void {
  if (CpuRealtimePeriod === 0 && CpuRealtimeRuntime === 0) return;
  if (!limits.cpuRealtime) throw invalid("kernel does not support CPU real-time scheduler");
  if (CpuRealtimePeriod > 0 && CpuRealtimeRuntime > CpuRealtimePeriod) {
    throw invalid("cpu real-time runtime cannot be higher than cpu real-time period");
  }
}

const CPUSET_WORDS = { cpus: "CPUs", mems: "memory nodes" };

function checkCpuset(kind: "cpus" | "mems", wanted: string, available: string): void {
  if (wanted === "") return;
  const numbers = cpuList(wanted);
  if (!numbers) throw invalid(`Invalid value ${wanted} for cpuset ${kind}: invalid format: ${wanted}`);
  const there = cpuList(available) ?? new Set();
  if ([...numbers].some((number) => !there.has(number))) {
    throw invalid(`Requested ${CPUSET_WORDS[kind]} are not available - requested ${wanted}, available: ${available}`);
  }
}

const BLKIO_WEIGHT = { minimum: 10, maximum: 1000 };

function checkBlockIO(resources: Resources): void {
  const { BlkioWeight = 0 } = resources;
  if (BlkioWeight !== 0 && outOf(BLKIO_WEIGHT, BlkioWeight)) {
    throw invalid("Range of blkio weight is from 10 to 1000");
  }
  for (const { Path, Weight = 0 } of resources.BlkioWeightDevice ?? []) {
    if (outOf(BLKIO_WEIGHT, Weight)) throw invalid(`invalid weight for device: ${Path}:${Weight}`);
  }
}

function outOf({ minimum, maximum }: { minimum: number; maximum: number }, value: number): boolean {
  return value < minimum || value > maximum;
}

/** What only Windows has. Docker keeps a `CpuCount` and makes nothing of it. */
function checkOthers({ IOMaximumBandwidth, IOMaximumIOps }: Resources): void {
  const unsupported = (what: string) =>
    invalid(`invalid option: QoS maximum ${what} configuration is not supported on linux`);
  if (IOMaximumBandwidth) throw unsupported("bandwidth");
  if (IOMaximumIOps) throw unsupported("IOPs");
}
