import type { Volume } from "#api/engine";
import { formatSize } from "../values/sizes.ts";
import { labelsText } from "./containers.ts";
import type { Formatter } from "./formatter.ts";

/** Volumes as `volume ls` shows them. */
export function volumeFormatter(): Formatter<Volume> {
  return {
    typeName: "*formatter.volumeContext",
    fields: {
      Availability: { head: "AVAILABILITY", value: () => "N/A" },
      Driver: { head: "DRIVER", value: ({ Driver: driver }) => driver },
      Group: { head: "GROUP", value: () => "N/A" },
      Labels: { head: "LABELS", value: ({ Labels: labels }) => labelsText(labels) },
      Links: { head: "LINKS", value: ({ UsageData: usage }) => (usage ? String(usage.RefCount) : "N/A") },
      Mountpoint: { head: "MOUNTPOINT", value: ({ Mountpoint: path }) => path },
      Name: { head: "VOLUME NAME", value: ({ Name: name }) => name },
      Scope: { head: "SCOPE", value: ({ Scope: scope }) => scope },
      Size: { head: "SIZE", value: ({ UsageData: usage }) => (usage ? formatSize(usage.Size, 4) : "N/A") },
      Status: { head: "STATUS", value: () => "N/A" },
    },
    methods: { Label: { head: (name) => name, value: ({ Labels: labels }, name) => labels?.[name] ?? "" } },
    columns: ["Driver", "Name"],
    id: "Name",
  };
}
