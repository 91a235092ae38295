import type { ContainerSummary } from "#api/engine";
import { durationText } from "#lib/time";
import { formatSize } from "../values/sizes.ts";
import { ellipsis, shortId } from "./ellipsis.ts";
import type { Field, Formatter } from "./formatter.ts";
import { portsText } from "./ports.ts";
import { goTime } from "./time.ts";

const COMMAND_COLUMNS = 20;
const MOUNT_COLUMNS = 15;

export interface ContainerListOptions {
  readonly truncate: boolean;
  /** Whether the plain table has a column for sizes. */
  readonly size: boolean;
  readonly nowMs: number;
}

/** Containers as `ps` shows them. */
export function containerFormatter(options: ContainerListOptions): Formatter<ContainerSummary> {
  const columns = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"];
  return {
    typeName: "*formatter.ContainerContext",
    fields: containerFields(options),
    methods: {
      Label: {
        head: (name) => name.split(".").at(-1)!.replaceAll("-", " ").replaceAll("_", " "),
        value: (container, name) => container.Labels?.[name] ?? "",
      },
    },
    columns: options.size ? [...columns, "Size"] : columns,
    id: "ID",
  };
}

function containerFields({ truncate, nowMs }: ContainerListOptions): Record<string, Field<ContainerSummary>> {
  const name = (container: ContainerSummary) => names(container, truncate);
  return {
    Command: {
      head: "COMMAND",
      value: ({ Command: command = "" }) => `"${truncate ? ellipsis(command, COMMAND_COLUMNS) : command}"`,
    },
    CreatedAt: { head: "CREATED AT", value: ({ Created: created = 0 }) => goTime(created) },
    ID: { head: "CONTAINER ID", value: ({ Id: id = "" }) => (truncate ? shortId(id) : id) },
    Image: { head: "IMAGE", value: (container) => imageName(container, truncate) },
    Labels: { head: "LABELS", value: ({ Labels: labels }) => labelsText(labels) },
    LocalVolumes: {
      head: "LOCAL VOLUMES",
      value: ({ Mounts: mounts = [] }) => String(mounts.filter(({ Driver }) => Driver === "local").length),
    },
    Mounts: {
      head: "MOUNTS",
      value: ({ Mounts: mounts = [] }) =>
        mounts
          .map(({ Name, Source = "" }) => Name || Source)
          .map((text) => (truncate ? ellipsis(text, MOUNT_COLUMNS) : text))
          .join(","),
    },
    Names: { head: "NAMES", value: name },
    Networks: {
      head: "NETWORKS",
      value: ({ NetworkSettings: settings }) => Object.keys(settings?.Networks ?? {}).join(","),
    },
    Platform: { head: "PLATFORM", value: platformText, json: (container) => platformText(container) || null },
    Ports: { head: "PORTS", value: ({ Ports: ports = [] }) => portsText(ports) },
    RunningFor: {
      head: "CREATED",
      value: ({ Created: created = 0 }) => `${durationText(nowMs - created * 1000)} ago`,
    },
    Size: { head: "SIZE", value: sizeText },
    State: { head: "STATE", value: ({ State: state = "" }) => state },
    Status: { head: "STATUS", value: ({ Status: status = "" }) => status },
  };
}

/** Without the leading slash; links of other containers to this one only where there is room. */
function names({ Names: all = [] }: ContainerSummary, truncate: boolean): string {
  const own = all.map((name) => name.replace(/^\//, ""));
  return (truncate ? own.filter((name) => !name.includes("/")) : own).join(",");
}

function imageName({ Image: image = "", ImageID: id = "" }: ContainerSummary, truncate: boolean): string {
  if (image === "") return "<no image>";
  if (!truncate) return image;
  if (shortId(id) === shortId(image)) return shortId(id);
  const at = image.indexOf("@");
  return at < 0 ? image : image.slice(0, at);
}

function platformText({ ImageManifestDescriptor: descriptor }: ContainerSummary): string {
  const platform = descriptor?.platform;
  return [platform?.os, platform?.architecture, platform?.variant].filter(Boolean).join("/");
}

function sizeText({ SizeRw: own, SizeRootFs: all }: ContainerSummary): string {
  const size = formatSize(own ?? 0);
  return (all ?? 0) > 0 ? `${size} (virtual ${formatSize(all ?? 0)})` : size;
}

/** `a=b,c=d` in the order of names. */
export function labelsText(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(",");
}
