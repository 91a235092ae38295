import type { BuildCache } from "#api/engine";
import { durationText } from "#lib/time";
import { formatSize } from "../values/sizes.ts";
import type { Formatter } from "./formatter.ts";

const SHORT_ID = 12;

/** Records of the build cache as `system df --verbose` shows them. */
export function buildCacheFormatter({ truncate, nowMs }: { truncate: boolean; nowMs: number }): Formatter<BuildCache> {
  const ago = (time: string | null | undefined) => (time ? `${durationText(nowMs - Date.parse(time))} ago` : "");
  return {
    typeName: "*formatter.buildCacheContext",
    fields: {
      CacheType: { head: "CACHE TYPE", value: ({ Type: type = "" }) => type },
      CreatedAt: { head: "CREATED AT", value: ({ CreatedAt: time = "" }) => time },
      CreatedSince: { head: "CREATED", value: ({ CreatedAt: time }) => ago(time) },
      Description: { head: "DESCRIPTION", value: ({ Description: text = "" }) => text },
      ID: {
        head: "CACHE ID",
        value: ({ ID: id = "", InUse: inUse }) =>
          `${truncate ? id.slice(0, SHORT_ID) : id}${inUse === true ? "*" : ""}`,
      },
      InUse: { head: "IN USE", value: ({ InUse: inUse }) => String(inUse ?? false) },
      LastUsedAt: { head: "LAST USED AT", value: ({ LastUsedAt: time }) => time ?? "" },
      LastUsedSince: { head: "LAST USED", value: ({ LastUsedAt: time }) => ago(time) },
      Parent: { head: "PARENT", value: ({ Parents: parents }) => (parents ?? []).join(", ") },
      Shared: { head: "SHARED", value: ({ Shared: shared }) => String(shared ?? false) },
      Size: { head: "SIZE", value: ({ Size: bytes = 0 }) => formatSize(bytes) },
      UsageCount: { head: "USAGE", value: ({ UsageCount: count = 0 }) => String(count) },
    },
    columns: ["ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared"],
    id: "ID",
  };
}
