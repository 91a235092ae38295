import type { ImageConfig, ImageSettingDifference } from "#api/engine";
import type { ImageDocument } from "../image.ts";
import { platformOf } from "./wire.ts";

/** What two images tell a container differently, in the order of their names. */
export function compareSettings(first: ImageDocument, second: ImageDocument): ImageSettingDifference[] {
  const before = settingsOf(first);
  const after = settingsOf(second);
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const [old, current] = [before.get(name), after.get(name)];
    if (old === current) return [];
    return [
      { Name: name, ...(old !== undefined && { Before: old }), ...(current !== undefined && { After: current }) },
    ];
  });
}

/** Every setting by its name, as text. Maps and lists of names have one each: `Env PATH`, `Label x`, `Port 80/tcp`. */
function settingsOf(document: ImageDocument): Map<string, string> {
  const { config = {}, author = "" } = document;
  const settings = new Map<string, string>();
  const set = (name: string, value: string | undefined | null) => {
    if (value !== undefined && value !== null && value !== "") settings.set(name, value);
  };
  set("Platform", platformOf(document));
  set("Author", author);
  set("User", config.User);
  set("WorkingDir", config.WorkingDir);
  set("StopSignal", config.StopSignal);
  for (const name of ["Entrypoint", "Cmd", "Shell", "OnBuild"] as const) set(name, listText(config[name]));
  if (config.Healthcheck) set("Healthcheck", JSON.stringify(config.Healthcheck));
  for (const [name, value] of namedSettings(config)) settings.set(name, value);
  return settings;
}

function* namedSettings({ Env, Labels, ExposedPorts, Volumes }: ImageConfig): Generator<[string, string], void> {
  for (const variable of Env ?? []) {
    const equals = variable.indexOf("=");
    yield equals < 0 ? [`Env ${variable}`, ""] : [`Env ${variable.slice(0, equals)}`, variable.slice(equals + 1)];
  }
  for (const [name, value] of Object.entries(Labels ?? {})) yield [`Label ${name}`, value];
  for (const port of Object.keys(ExposedPorts ?? {})) yield [`Port ${port}`, "exposed"];
  for (const path of Object.keys(Volumes ?? {})) yield [`Volume ${path}`, "declared"];
}

function listText(list: readonly string[] | undefined | null): string | undefined {
  return list === undefined || list === null || list.length === 0 ? undefined : JSON.stringify(list);
}
