import type { Resources, ThrottleDevice } from "#api/engine";
import type { LimitFacts } from "../types.ts";

/** What becomes of a wish for limits on this machine. */
export interface Fitted<T extends Resources> {
  readonly resources: T;
  /** In Docker's words, one for each wish that was dropped. */
  readonly warnings: readonly string[];
}

/**
 * Drops what this kernel cannot limit, with a warning for each (moby daemon_unix.go, `verifyPlatformContainerResources`): what
 * is left acts, and is what inspect shows.
 */
export function fitResources<T extends Resources>(asked: T, limits: LimitFacts): Fitted<T> {
  const dropped = WISHES.filter(({ fields, can, applies }) => {
    return !can(limits) && (applies ? applies(asked) : fields.some((field) => isAsked(asked[field])));
  });
  const resources = dropped.reduce((kept, { fields, instead }) => ({ ...without(kept, fields), ...instead }), asked);
  return { resources, warnings: [...dropped.map(({ warning }) => warning), ...remarks(resources)] };
}

interface Wish {
  /** What goes together. */
  readonly fields: readonly (keyof Resources)[];
  readonly can: (limits: LimitFacts) => boolean;
  /** When it is asked for; by default when one of the fields is set. */
  readonly applies?: (resources: Resources) => boolean;
  readonly instead?: Resources;
  readonly warning: string;
}

function lacking(what: string, outcome: string): string {
  return `Your kernel does not support ${what} or the cgroup is not mounted. ${outcome}`;
}

const UNLIMITED_SWAP = { MemorySwap: -1 };

const WISHES: readonly Wish[] = [
  {
    fields: ["Memory", "MemorySwap"],
    can: ({ memory }) => memory,
    applies: ({ Memory = 0 }) => Memory > 0,
    instead: UNLIMITED_SWAP,
    warning: lacking("memory limit capabilities", "Limitation discarded."),
  },
  {
    fields: ["MemorySwap"],
    can: ({ memory, swap }) => swap || !memory,
    applies: ({ Memory = 0, MemorySwap }) => Memory > 0 && MemorySwap !== -1,
    instead: UNLIMITED_SWAP,
    warning: lacking("swap limit capabilities", "Memory limited without swap."),
  },
  {
    fields: ["MemorySwappiness"],
    can: ({ swappiness }) => swappiness,
    applies: ({ MemorySwappiness = -1 }) => MemorySwappiness !== -1,
    warning: lacking("memory swappiness capabilities", "Memory swappiness discarded."),
  },
  {
    fields: ["MemoryReservation"],
    can: ({ memoryReservation }) => memoryReservation,
    warning: lacking("memory soft limit capabilities", "Limitation discarded."),
  },
  {
    fields: ["KernelMemoryTCP"],
    can: ({ kernelMemoryTCP }) => kernelMemoryTCP,
    warning: lacking("kernel memory TCP limit capabilities", "Limitation discarded."),
  },
  {
    fields: ["OomKillDisable"],
    can: ({ oomKillDisable }) => oomKillDisable,
    warning: "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  },
  {
    fields: ["PidsLimit"],
    can: ({ pids }) => pids,
    applies: ({ PidsLimit }) => (PidsLimit ?? 0) > 0,
    warning: lacking("PIDs limit capabilities", "PIDs limit discarded."),
  },
  {
    fields: ["CpuShares"],
    can: ({ cpuShares }) => cpuShares,
    warning: lacking("CPU shares", "Shares discarded."),
  },
  {
    fields: ["CpuPeriod", "CpuQuota"],
    can: ({ cpuQuota }) => cpuQuota,
    warning: lacking("CPU CFS scheduler", "Period and quota discarded."),
  },
  {
    fields: ["CpusetCpus", "CpusetMems"],
    can: ({ cpuset }) => cpuset,
    warning: lacking("cpuset", "Cpuset discarded."),
  },
  {
    fields: ["CpuPercent"],
    can: () => false,
    warning: "linux does not support CPU percent. Percent discarded.",
  },
  {
    fields: ["BlkioWeight"],
    can: ({ blkioWeight }) => blkioWeight,
    warning: lacking("Block I/O weight", "Weight discarded."),
  },
  {
    fields: ["BlkioWeightDevice"],
    can: ({ blkioWeightDevice }) => blkioWeightDevice,
    instead: { BlkioWeightDevice: [] },
    warning: lacking("Block I/O weight_device", "Weight-device discarded."),
  },
  throttle("BlkioDeviceReadBps", "BPS Block I/O read limit", "Block I/O BPS read limit discarded."),
  throttle("BlkioDeviceWriteBps", "BPS Block I/O write limit", "Block I/O BPS write limit discarded."),
  throttle("BlkioDeviceReadIOps", "IOPS Block read limit", "Block I/O IOPS read limit discarded."),
  throttle("BlkioDeviceWriteIOps", "IOPS Block write limit", "Block I/O IOPS write limit discarded."),
];

type Throttled = {
  [K in keyof Resources]-?: Resources[K] extends ThrottleDevice[] | undefined ? K : never;
}[keyof Resources];

function throttle(field: Throttled, what: string, outcome: string): Wish {
  const warning = lacking(what, outcome);
  return { fields: [field], can: ({ blkioThrottle }) => blkioThrottle, instead: { [field]: [] }, warning };
}

function isAsked(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function without<T extends object>(resources: T, fields: readonly (keyof T)[]): T {
  return Object.fromEntries(Object.entries(resources).filter(([name]) => !fields.includes(name as keyof T))) as T;
}

/** What acts, but may not do what its user thinks. */
function remarks({ OomKillDisable, Memory }: Resources): string[] {
  if (!OomKillDisable || Memory) return [];
  return [
    "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
  ];
}
