/**
 * The start of the daemon: records against monitors, folders and snapshots, before the socket opens.
 *
 *     record says      monitor answers    then
 *     running, paused  yes                adopt it
 *     running, paused  no                 it ended: by its exit record, or lost
 *     anything else    yes                the daemon died between start and record: adopt it as running
 *     anything else    no                 nothing, but for restart policies
 *     (no record)                         folders and snapshots of IDs without a record go
 *
 * A container whose snapshot is missing gets a fresh one: a new snapshot is not synced to disk by itself, so a power cut may
 * leave the record of a container that was made just before without it.
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import type { Spec } from "#api/oci";
import { parseSpec } from "#core/runtime";
import type { Monitor, StartedRecord } from "#executor";
import { isKind, messageOf } from "#lib/errors";
import type { Container, ContainerID } from "./container.ts";
import { type Context, emit } from "./context.ts";
import { endWithoutMonitor, finishRun } from "./exit.ts";
import { adopt } from "./launch.ts";
import { shortened } from "./layout.ts";
import { autoRemove } from "./remove.ts";
import { wantsRestart } from "./restart-policy.ts";
import { restartNow, scheduleRestart } from "./restart-timer.ts";
import { isRunning, transition } from "./state.ts";

export async function reconcile(context: Context): Promise<ReadonlySet<ContainerID>> {
  for (const folder of [context.layout.removed, context.layout.endedTasks]) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const withTask = new Set(await names(context.layout.tasks));
  const records = [...context.store.all()];
  await Promise.all(
    records
      .filter(({ id, state }) => isRunning(state) || withTask.has(shortened(id)))
      .map((container) => reconcileOne(context, container)),
  );
  await collectGarbage(context);
  return new Set(context.tasks.keys());
}

async function reconcileOne(context: Context, container: Container): Promise<void> {
  const { id } = container;
  const folder = context.layout.task(id);
  const spec = await readSpec(folder.spec);
  const alive = await connect(context, folder.socket);
  if (alive) {
    becomeRunning(context, container, alive.started);
    adopt(context, id, { ...alive, spec });
  } else if (isRunning(container.state)) {
    await finishRun(context, id, await endWithoutMonitor(context, id, spec?.linux?.cgroupsPath));
  } else {
    await rm(folder.path, { recursive: true, force: true });
  }
}

/** Undefined when nobody listens, or the process never came to run. */
async function connect(
  context: Context,
  socket: string,
): Promise<{ monitor: Monitor; started: StartedRecord } | undefined> {
  let monitor: Monitor;
  try {
    monitor = await context.executor.connect(socket);
  } catch (error) {
    if (isKind(error, "not-found")) return undefined;
    throw error;
  }
  try {
    return { monitor, started: await monitor.started };
  } catch (error) {
    context.logger.warn("a start did not succeed while the daemon was away", { socket, error: messageOf(error) });
    monitor.close();
    return undefined;
  }
}

function becomeRunning(context: Context, container: Container, record: StartedRecord): void {
  if (isRunning(container.state)) return;
  const state = transition(container.state, { type: "started", record });
  if (!state) return;
  // Its address was reserved before the start.
  const endpoint = context.networks.endpointOf(container.id);
  const changes = { state, desired: "run", ...(endpoint ? { endpoint } : {}) } as const;
  emit(context, "start", context.store.update(container.id, changes));
}

/** What a crash left of containers that have no record: it was never acknowledged, or its removal was. */
async function collectGarbage(context: Context): Promise<void> {
  const known = new Set<string>([...context.store.all()].map(({ id }) => id));
  const knownTasks = new Set([...known].map(shortened));
  const snapshots = new Set(await context.snapshotter.list());
  for (const key of snapshots) {
    if (!known.has(key)) await context.snapshotter.remove(key);
  }
  for (const { id, layers } of context.store.all()) {
    if (snapshots.has(id)) continue;
    context.logger.warn("the snapshot of a container is missing, it gets a fresh one", { container: id });
    await context.snapshotter.create(id, layers);
    await mkdir(context.layout.container(id), { recursive: true, mode: 0o710 });
  }
  for (const name of await names(context.layout.containers)) {
    if (!known.has(name)) await rm(context.layout.container(name as ContainerID), { recursive: true, force: true });
  }
  for (const name of await names(context.layout.tasks)) {
    if (!knownTasks.has(name))
      await rm(context.layout.task(name as ContainerID).path, { recursive: true, force: true });
  }
}

/** Docker starts `always` again even where the user stopped it; `unless-stopped` and `on-failure` not. */
export function resumeRestarts(context: Context): void {
  for (const container of [...context.store.all()]) {
    const { id, state, hostConfig } = container;
    if (state.status === "restarting") scheduleRestart(context, container, 0);
    else if (state.status !== "exited") continue;
    else if (hostConfig.AutoRemove) context.background.run(`removal of container ${id}`, autoRemove(context, id));
    else if (isResumed(container, state.exitCode)) {
      context.background.run(
        `start of container ${id}`,
        restartNow(context, id, (current) => ({ ...current, desired: "run" })),
      );
    }
  }
}

function isResumed({ hostConfig, desired, restartCount }: Container, exitCode: number): boolean {
  const policy = hostConfig.RestartPolicy ?? {};
  return policy.Name === "always" || (desired === "run" && wantsRestart(policy, { exitCode, restartCount }));
}

async function readSpec(path: string): Promise<Spec | undefined> {
  try {
    return parseSpec(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
