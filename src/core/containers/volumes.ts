import { readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  acceptOnly,
  booleanFilter,
  type Filters,
  matchExact,
  matchLabels,
  matchPattern,
  matchPruneLabels,
} from "#core/events";
import { diskUsage } from "#core/snapshots";
import type { ContainerID } from "./container.ts";
import type { Context } from "./context.ts";
import { noSuchVolume, volumeInUse } from "./errors.ts";

/** An anonymous volume: a directory that was made with a container, and may have outlived it. */
export interface Volume {
  readonly name: string;
  /** The directory that containers see. */
  readonly path: string;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
  /** The containers that mount it, those being created included. */
  readonly users: readonly ContainerID[];
}

/** Volumes by name. They come into being with containers only. */
export interface Volumes {
  list(filters: Filters): Promise<Volume[]>;
  /** @throws `not-found` */
  get(name: string): Promise<Volume>;
  /** Bytes on disk. */
  usage(volume: Volume): Promise<number>;
  /** @throws `not-found`, unless `force` is set; `conflict` when a container has it, in any case */
  remove(name: string, options: { force: boolean }): Promise<void>;
  /** Removes all that no container has. */
  prune(filters: Filters): Promise<{ deleted: string[]; reclaimedBytes: number }>;
}

/** As Docker marks volumes that nobody named. */
const LABELS = { "com.docker.volume.anonymous": "" };
const DRIVER = "local";

export function createVolumes(context: Context): Volumes {
  return {
    list: (filters) => list(context, filters),
    get: (name) => get(context, name),
    usage: ({ path }) => diskUsage(path),
    remove: (name, options) => remove(context, name, options),
    prune: (filters) => prune(context, filters),
  };
}

/** The containers that mount a volume, their own or one they inherited. */
export function volumeUsers({ store, creating }: Context, name: string): ContainerID[] {
  return [...store.all(), ...creating.values()]
    .filter(({ mounts }) => mounts.some((mount) => mount.Type === "volume" && mount.Name === name))
    .map(({ id }) => id);
}

async function list(context: Context, filters: Filters): Promise<Volume[]> {
  acceptOnly(filters, ["dangling", "driver", "label", "name"]);
  const dangling = booleanFilter(filters, "dangling");
  const all = await everything(context);
  return all.filter(
    ({ name, labels, users }) =>
      matchExact(filters, "driver", DRIVER) &&
      matchPattern(filters, "name", name) &&
      matchLabels(filters, "label", labels) &&
      (dangling === undefined || dangling === (users.length === 0)),
  );
}

async function everything(context: Context): Promise<Volume[]> {
  const names = await readdir(context.layout.volumes).catch(() => []);
  const found = await Promise.all(names.sort().map((name) => find(context, name)));
  return found.filter((volume) => volume !== undefined);
}

async function get(context: Context, name: string): Promise<Volume> {
  const volume = await find(context, name);
  if (!volume) throw noSuchVolume(name);
  return volume;
}

async function find(context: Context, name: string): Promise<Volume | undefined> {
  // Names are made here, and nothing else leads to a path.
  if (!/^[0-9a-f]{64}$/.test(name)) return undefined;
  const folder = context.layout.volume(name);
  const made = await stat(folder).catch(() => undefined);
  if (!made) return undefined;
  return {
    name,
    path: join(folder, "_data"),
    createdAt: made.birthtime,
    labels: LABELS,
    users: volumeUsers(context, name),
  };
}

async function remove(context: Context, name: string, { force }: { force: boolean }): Promise<void> {
  const volume = await find(context, name);
  if (volume) await discard(context, volume);
  else if (!force) throw noSuchVolume(name);
}

async function prune(context: Context, filters: Filters): Promise<{ deleted: string[]; reclaimedBytes: number }> {
  acceptOnly(filters, ["all", "label", "label!"]);
  booleanFilter(filters, "all");
  const deleted: string[] = [];
  let reclaimedBytes = 0;
  for (const volume of await everything(context)) {
    if (!matchPruneLabels(filters, volume.labels)) continue;
    const bytes = await diskUsage(volume.path);
    // Somebody may have come to use it meanwhile.
    if (volumeUsers(context, volume.name).length > 0) continue;
    await discard(context, volume);
    deleted.push(volume.name);
    reclaimedBytes += bytes;
  }
  emit(context, "prune", "", { reclaimed: String(reclaimedBytes) });
  return { deleted, reclaimedBytes };
}

/** Nobody can come to use it between the look and the rename; what a crash leaves `reconcile` deletes. */
async function discard(context: Context, { name }: Volume): Promise<void> {
  const users = volumeUsers(context, name);
  if (users.length > 0) throw volumeInUse(name, users);
  const doomed = join(context.layout.removed, name);
  await rename(context.layout.volume(name), doomed);
  await context.executor.run([{ op: "remove-tree", path: doomed }]);
  emit(context, "destroy", name, { driver: DRIVER });
}

function emit(
  { events }: Context,
  action: "destroy" | "prune",
  actorID: string,
  attributes: Readonly<Record<string, string>>,
): void {
  events.emit({ type: "volume", action, actorID, attributes });
}
