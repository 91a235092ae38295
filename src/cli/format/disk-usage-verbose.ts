import type { BuildCache } from "#api/engine";
import type { system } from "#client";
import { humanDuration } from "../values/durations.ts";
import { formatSize } from "../values/sizes.ts";
import { containerFormatter } from "./containers.ts";
import { diskUsageRows } from "./disk-usage.ts";
import type { Formatter } from "./formatter.ts";
import { imageFormatter, imageRows } from "./images.ts";
import { renderTable } from "./table.ts";
import { volumeFormatter } from "./volumes.ts";

/** What `system df --verbose` prints: a table of each kind of object. */
export function verboseDiskUsage(usage: system.DiskUsage, nowMs: number): string {
  const images = imageFormatter({ truncate: true, digests: false, nowMs });
  const containers = containerFormatter({ truncate: true, size: true, nowMs });
  const imageColumns = ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"];
  const containerColumns = ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"];
  const cacheBytes = diskUsageRows(usage).at(-1)?.bytes ?? 0;
  return [
    "Images space usage:\n",
    table(images, imageColumns, imageRows(usage.Images ?? [], { digests: false })),
    "Containers space usage:\n",
    table(containers, containerColumns, usage.Containers ?? []),
    "Local Volumes space usage:\n",
    table(volumeFormatter(), ["Name", "Links", "Size"], usage.Volumes ?? []),
    `Build cache usage: ${formatSize(cacheBytes, 4)}\n`,
    buildCacheTable(usage.BuildCache ?? [], nowMs),
  ].join("\n");
}

function table<T>(formatter: Formatter<T>, columns: readonly string[], items: readonly T[]): string {
  const fields = columns.map((name) => formatter.fields[name]!);
  const rows = items.map((item) => fields.map((field) => field.value(item)));
  return renderTable(
    fields.map((field) => field.head),
    rows,
  );
}

function buildCacheTable(records: readonly BuildCache[], nowMs: number): string {
  const ago = (time: string | null | undefined) => (time ? `${humanDuration(nowMs - Date.parse(time))} ago` : "");
  const rows = records.map((record) => [
    `${(record.ID ?? "").slice(0, 12)}${record.InUse === true ? "*" : ""}`,
    record.Type ?? "",
    formatSize(record.Size ?? 0),
    ago(record.CreatedAt),
    ago(record.LastUsedAt),
    String(record.UsageCount ?? 0),
    String(record.Shared ?? false),
  ]);
  return renderTable(["CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED"], rows);
}
