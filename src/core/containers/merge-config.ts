import type { ContainerConfig, HealthConfig, ImageConfig } from "#api/engine";

/** The user's config with the image's for all that the user left out (engine-api notes 13). */
export function mergeConfig(asked: ContainerConfig, image: ImageConfig): ContainerConfig {
  const { entrypoint, command } = mergeCommand(asked, image);
  const merged: ContainerConfig = {
    ...asked,
    User: asked.User || image.User || "",
    Env: mergeEnvironment(asked.Env ?? [], image.Env ?? []),
    WorkingDir: asked.WorkingDir || image.WorkingDir || "",
    Labels: { ...image.Labels, ...asked.Labels },
  };
  assign(merged, "Entrypoint", entrypoint);
  assign(merged, "Cmd", command);
  assign(merged, "ExposedPorts", mergeKeys(asked.ExposedPorts, image.ExposedPorts));
  assign(merged, "Volumes", mergeKeys(asked.Volumes, image.Volumes));
  assign(merged, "StopSignal", asked.StopSignal || image.StopSignal);
  assign(merged, "Healthcheck", mergeHealthcheck(asked.Healthcheck, image.Healthcheck));
  assign(merged, "Shell", asked.Shell ?? image.Shell);
  assign(merged, "OnBuild", asked.OnBuild);
  return merged;
}

/** Program and arguments. An entrypoint of one empty string is none. */
export function joinCommand(config: ContainerConfig): string[] {
  const entrypoint = config.Entrypoint ?? [];
  const cleared = entrypoint.length === 1 && entrypoint[0] === "";
  return [...(cleared ? [] : entrypoint), ...(config.Cmd ?? [])];
}

/** An entrypoint of the user's drops the image's command, since that was meant for the image's entrypoint. */
function mergeCommand(asked: ContainerConfig, image: ImageConfig) {
  const ownEntrypoint = asked.Entrypoint ?? [];
  const ownCommand = asked.Cmd ?? [];
  if (ownEntrypoint.length > 0) return { entrypoint: asked.Entrypoint, command: asked.Cmd };
  return {
    entrypoint: asked.Entrypoint ?? image.Entrypoint,
    command: ownCommand.length > 0 ? asked.Cmd : image.Cmd,
  };
}

function mergeEnvironment(asked: readonly string[], image: readonly string[]): string[] {
  const keys = new Set(asked.map(keyOf));
  return [...asked, ...image.filter((entry) => !keys.has(keyOf(entry)))];
}

function keyOf(entry: string): string {
  return entry.split("=", 1)[0] ?? "";
}

function mergeKeys(
  asked: Record<string, object> | null | undefined,
  image: Record<string, object> | null | undefined,
): Record<string, object> | undefined {
  const merged = { ...image, ...asked };
  return Object.keys(merged).length > 0 ? merged : undefined;
}

/** Field by field; 0 and absent both mean "as the image says". */
function mergeHealthcheck(asked: HealthConfig | undefined, image: HealthConfig | undefined): HealthConfig | undefined {
  if (!asked) return image;
  if (!image) return asked;
  const own = Object.entries(asked).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : Boolean(value)));
  return { ...image, ...Object.fromEntries(own) };
}

function assign<K extends keyof ContainerConfig>(
  config: ContainerConfig,
  key: K,
  value: ContainerConfig[K] | null | undefined,
): void {
  if (value === undefined || value === null) delete config[key];
  else config[key] = value;
}
