import type { ImageExplanation } from "#api/engine";
import { alignColumns, type Cell } from "./columns.ts";
import { oneLine, type Style } from "./style.ts";

/** What the image sets for its containers; what it leaves open is not told. */
export function settingsSection({ Config }: ImageExplanation, style: Style): string[] {
  const rows: [string, string][] = [];
  const add = (name: string, values: readonly string[]) => {
    for (const [i, value] of values.entries()) rows.push([i === 0 ? name : "", oneLine(value)]);
  };
  add("user", [Config.User || "root (none is set)"]);
  add("environment", Config.Env ?? []);
  add("ports", Object.keys(Config.ExposedPorts ?? {}));
  add("volumes", Object.keys(Config.Volumes ?? {}));
  add(
    "labels",
    Object.entries(Config.Labels ?? {}).map(([name, value]) => `${name}=${value}`),
  );
  add("health check", healthText(Config.Healthcheck?.Test));
  add("stop signal", Config.StopSignal ? [Config.StopSignal] : []);
  add("shell", Config.Shell ? [Config.Shell.join(" ")] : []);
  add("on build", Config.OnBuild ?? []);
  const cells = rows.map(([name, value]): Cell[] => [{ text: name, paint: style.dim }, value]);
  return alignColumns(cells, { indent: 2, columns: style.cutAt });
}

function healthText(test: readonly string[] | null | undefined): string[] {
  const [kind, ...words] = test ?? [];
  if (kind === undefined) return [];
  return kind === "NONE" ? ["none"] : [words.join(" ")];
}
