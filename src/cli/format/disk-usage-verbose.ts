import type { ContainerSummary } from "#api/engine";
import type { system } from "#client";
import { formatSize } from "../values/sizes.ts";
import { buildCacheFormatter } from "./build-cache.ts";
import { containerFormatter } from "./containers.ts";
import { diskUsageRows } from "./disk-usage.ts";
import { type Formatter, plainTable } from "./formatter.ts";
import { type ImageRow, imageFormatter, imageRows } from "./images.ts";
import { volumeFormatter } from "./volumes.ts";

/** What `system df --verbose` prints: a table of each kind of object, or a template over all of them. */
export async function verboseDiskUsage(
  usage: system.DiskUsage,
  { format, nowMs }: { format: string; nowMs: number },
): Promise<string> {
  const isTable = format === "" || format === "table";
  const images = imageFormatter({ truncate: isTable, digests: false, nowMs });
  const containers = containerFormatter({ truncate: isTable, size: true, nowMs });
  const caches = buildCacheFormatter({ truncate: isTable, nowMs });
  const volumes = volumeFormatter();
  const rows = { images: firstNames(usage), containers: ownSizes(usage), volumes: usage.Volumes ?? [] };
  const records = usage.BuildCache ?? [];
  if (!isTable) {
    const { renderRows, rowsOf } = await import("./template-format.ts");
    return renderRows(format, {
      Images: rowsOf(images, rows.images),
      Containers: rowsOf(containers, rows.containers),
      Volumes: rowsOf(volumes, rows.volumes),
      BuildCache: rowsOf(caches, records),
    });
  }
  const cacheBytes = diskUsageRows(usage).at(-1)?.bytes ?? 0;
  return [
    "Images space usage:\n",
    table(images, IMAGE_COLUMNS, rows.images),
    "Containers space usage:\n",
    table(containers, CONTAINER_COLUMNS, rows.containers),
    "Local Volumes space usage:\n",
    table(volumes, ["Name", "Links", "Size"], rows.volumes),
    `Build cache usage: ${formatSize(cacheBytes, 4)}\n`,
    plainTable(caches, records),
  ].join("\n");
}

const IMAGE_COLUMNS = ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"];
const CONTAINER_COLUMNS = ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"];

function table<T>(formatter: Formatter<T>, columns: readonly string[], items: readonly T[]): string {
  return plainTable({ ...formatter, columns }, items);
}

/** Each image once, under the first of its names. */
function firstNames({ Images: images }: system.DiskUsage): ImageRow[] {
  return (images ?? [])
    .flatMap((image) => imageRows([image], { digests: false }).slice(0, 1))
    .map((row) => ({ ...row, digest: "" }));
}

/** Sizes of what containers wrote, without those of their images. */
function ownSizes({ Containers: containers }: system.DiskUsage): ContainerSummary[] {
  return (containers ?? []).map((container) => ({ ...container, SizeRootFs: 0 }));
}
