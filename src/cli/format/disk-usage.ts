import type { system } from "#client";
import { formatSize } from "../values/sizes.ts";
import type { Formatter } from "./formatter.ts";

const DIGITS = 4;

/** How much one kind of object takes, and how much of it nobody uses. */
export interface DiskUsageRow {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly bytes: number;
  readonly reclaimableBytes: number;
  /** Whether a share of the whole makes sense beside the reclaimable amount. */
  readonly showsShare: boolean;
}

export const diskUsageFormatter: Formatter<DiskUsageRow> = {
  typeName: "*formatter.diskUsageContext",
  fields: {
    Active: { head: "ACTIVE", value: ({ active }) => String(active) },
    Reclaimable: { head: "RECLAIMABLE", value: reclaimable },
    Size: { head: "SIZE", value: ({ bytes }) => formatSize(bytes, DIGITS) },
    TotalCount: { head: "TOTAL", value: ({ total }) => String(total) },
    Type: { head: "TYPE", value: ({ type }) => type },
  },
  columns: ["Type", "TotalCount", "Active", "Size", "Reclaimable"],
  id: "Type",
};

function reclaimable({ bytes, reclaimableBytes, showsShare }: DiskUsageRow): string {
  const size = formatSize(reclaimableBytes, DIGITS);
  return showsShare && bytes > 0 ? `${size} (${Math.trunc((reclaimableBytes * 100) / bytes)}%)` : size;
}

export function diskUsageRows(usage: system.DiskUsage): DiskUsageRow[] {
  return [images(usage), containers(usage), volumes(usage), buildCache(usage)];
}

function images({ Images: images, LayersSize: bytes = 0 }: system.DiskUsage): DiskUsageRow {
  const list = images ?? [];
  const used = list.filter((image) => image.Containers > 0);
  const own = (image: { Size: number; SharedSize: number }) =>
    image.Size === -1 || image.SharedSize === -1 ? 0 : image.Size - image.SharedSize;
  const usedBytes = sum(used, own);
  return {
    type: "Images",
    total: list.length,
    active: used.length,
    bytes,
    reclaimableBytes: bytes - usedBytes,
    showsShare: true,
  };
}

function containers({ Containers: containers }: system.DiskUsage): DiskUsageRow {
  const list = containers ?? [];
  const active = list.filter(({ State }) => State === "running" || State === "paused" || State === "restarting");
  const idle = list.filter((container) => !active.includes(container));
  return {
    type: "Containers",
    total: list.length,
    active: active.length,
    bytes: sum(list, ({ SizeRw }) => SizeRw ?? 0),
    reclaimableBytes: sum(idle, ({ SizeRw }) => SizeRw ?? 0),
    showsShare: true,
  };
}

function volumes({ Volumes: volumes }: system.DiskUsage): DiskUsageRow {
  const list = volumes ?? [];
  const size = ({ UsageData: usage }: (typeof list)[number]) => Math.max(0, usage?.Size ?? 0);
  const unused = list.filter(({ UsageData: usage }) => usage?.RefCount === 0);
  return {
    type: "Local Volumes",
    total: list.length,
    active: list.filter(({ UsageData: usage }) => (usage?.RefCount ?? 0) > 0).length,
    bytes: sum(list, size),
    reclaimableBytes: sum(unused, size),
    showsShare: true,
  };
}

function buildCache({ BuildCache: records }: system.DiskUsage): DiskUsageRow {
  const list = records ?? [];
  const own = list.filter(({ Shared }) => Shared !== true);
  return {
    type: "Build Cache",
    total: list.length,
    active: list.filter(({ InUse }) => InUse === true).length,
    bytes: sum(own, ({ Size }) => Size ?? 0),
    reclaimableBytes: sum(
      own.filter(({ InUse }) => InUse !== true),
      ({ Size }) => Size ?? 0,
    ),
    showsShare: false,
  };
}

function sum<T>(items: readonly T[], bytesOf: (item: T) => number): number {
  return items.reduce((total, item) => total + bytesOf(item), 0);
}
