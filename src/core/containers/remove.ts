import { join } from "node:path";
import { EngineError, isKind, messageOf } from "#lib/errors";
import type { Container, ContainerID } from "./container.ts";
import { type Context, emit, settled, whenSettled } from "./context.ts";
import { removalInProgress, removeWhileRunning } from "./errors.ts";
import { endTask } from "./kill.ts";
import { removeLink } from "./links.ts";
import { isRunning, transition } from "./state.ts";
import { volumeUsers } from "./volumes.ts";

export async function remove(
  context: Context,
  reference: string,
  options: { force: boolean; volumes: boolean; link: boolean },
): Promise<void> {
  if (options.link) return await removeLink(context, reference);
  const { id } = context.store.resolve(reference);
  await settled(context, id);
  const { state } = context.store.get(id);
  if (isRunning(state) || state.status === "restarting") {
    if (!options.force) throw removeWhileRunning(context.store.get(id));
    await endTask(context, id, "remove");
  }
  if (!context.store.find(id)) return;
  await removeRecordAndData(context, id, { volumes: options.volumes });
}

/** Removes a container that does not run. Should data resist, the container stays as `dead` and can be removed again. */
export async function removeRecordAndData(
  context: Context,
  id: ContainerID,
  { volumes }: { volumes: boolean },
): Promise<void> {
  const container = await whenSettled(context, id, () => beginRemoval(context, id));
  try {
    await context.store.durable();
    await removeData(context, container, volumes);
  } catch (cause) {
    await context.locks.run(id, () => {
      const state = transition(container.state, { type: "remove-failed" });
      if (state) context.store.save({ ...container, state });
    });
    const error = `unable to remove filesystem for ${id}: ${messageOf(cause)}`;
    context.waiters.wake("removal", id, { statusCode: exitCodeOf(container), error });
    throw new EngineError("internal", error, { cause });
  }
  context.store.endRemoval(id);
  context.restarts.get(id)?.cancel?.();
  context.restarts.delete(id);
  context.execs.forget(id);
  context.health.delete(id);
  for (const { stream } of context.attaches.take(id)) stream.abandon();
  emit(context, "destroy", container);
  context.removed(container.imageID);
  // There will be no other end to wait for.
  for (const moment of ["exit", "removal"] as const) {
    context.waiters.wake(moment, id, { statusCode: exitCodeOf(container) });
  }
}

/** Removes a container because it was made to go when it ends. Somebody may have removed it already, or started it again. */
export async function autoRemove(context: Context, id: ContainerID): Promise<void> {
  try {
    await removeRecordAndData(context, id, { volumes: true });
  } catch (error) {
    if (!isKind(error, "conflict") && !isKind(error, "not-found")) throw error;
  }
}

function beginRemoval(context: Context, id: ContainerID): Container {
  const current = context.store.get(id);
  if (isRunning(current.state)) throw removeWhileRunning(current);
  const state = transition(current.state, { type: "removing" });
  if (!state) throw removalInProgress(current.name);
  const removing: Container = { ...current, state, desired: "remove" };
  context.store.beginRemoval(removing);
  return removing;
}

async function removeData(context: Context, { id, mounts }: Container, volumes: boolean): Promise<void> {
  const { layout } = context;
  await context.shippers.leave(id);
  await context.snapshotter.remove(id);
  await context.trash.discard({ path: layout.container(id), doomed: join(layout.removed, crypto.randomUUID()) });
  if (!volumes) return;
  for (const { Type: type, Name: name } of mounts) {
    if (type === "volume" && name && !isUsedBesides(context, name, id)) {
      await context.trash.discard({ path: layout.volume(name), doomed: join(layout.removed, crypto.randomUUID()) });
    }
  }
}

/** Whether another container inherited this volume. */
function isUsedBesides(context: Context, volume: string, owner: ContainerID): boolean {
  return volumeUsers(context, volume).some((id) => id !== owner);
}

function exitCodeOf({ state }: Container): number {
  return "exitCode" in state ? (state.exitCode ?? 0) : 0;
}
