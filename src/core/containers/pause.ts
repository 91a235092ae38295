import { EngineError, isKind } from "#lib/errors";
import { freezer } from "./cgroup.ts";
import type { Container, ContainerID } from "./container.ts";
import { type Context, emit, settled } from "./context.ts";
import { alreadyPaused, isRestarting, notPaused, notRunning } from "./errors.ts";
import { transition } from "./state.ts";

/** The kernel freezes in steps; this many looks, 10 ms apart, are its time. */
const FREEZE_LOOKS = 500;
const LOOK_MS = 10;
const STATUS_LIMIT_BYTES = 4096;

export async function pause(context: Context, reference: string): Promise<void> {
  const { id } = context.store.resolve(reference);
  await settled(context, id);
  const { state } = context.store.get(id);
  if (state.status === "paused") throw alreadyPaused(id);
  if (state.status === "restarting") throw isRestarting(id);
  if (state.status !== "running") throw notRunning(id);
  const task = context.tasks.get(id);
  if (!task) throw notRunning(id);
  task.freezing = true;
  try {
    await freeze(context, id);
    emit(context, "pause", await move(context, id, "paused"));
  } catch (error) {
    task.freezing = false;
    throw error;
  } finally {
    // A kill that came meanwhile may have thawed it before it was frozen.
    if (task.killed) await thaw(context, id).catch(tolerateDeath);
  }
}

export async function unpause(context: Context, reference: string): Promise<void> {
  const { id } = context.store.resolve(reference);
  await settled(context, id);
  if (context.store.get(id).state.status !== "paused") throw notPaused(id);
  await thaw(context, id);
  const task = context.tasks.get(id);
  if (task) task.freezing = false;
  emit(context, "unpause", await move(context, id, "unpaused"));
}

/** Lets the processes of a container run. */
export async function thaw(context: Context, id: ContainerID): Promise<void> {
  const { file, thawed } = freezerOf(context, id);
  await context.executor.run([{ op: "write", path: file, data: thawed, mode: 0 }]);
}

/** For a thaw: the processes may be dead already, and their cgroup gone. */
export function tolerateDeath(error: unknown): void {
  if (!isKind(error, "not-found") && !isKind(error, "conflict")) throw error;
}

async function freeze(context: Context, id: ContainerID): Promise<void> {
  const { file, frozen, status, isFrozen } = freezerOf(context, id);
  await context.executor.run([{ op: "write", path: file, data: frozen, mode: 0 }]);
  for (let look = 0; look < FREEZE_LOOKS; look++) {
    const [text] = await context.executor.run([{ op: "read", path: status, limitBytes: STATUS_LIMIT_BYTES }]);
    if (isFrozen.test(new TextDecoder().decode(text))) return;
    await new Promise<void>((resolve) => context.clock.after(LOOK_MS, resolve));
  }
  await thaw(context, id);
  throw new EngineError("internal", `pause container ${id}: the kernel did not freeze all of its processes`);
}

function freezerOf(context: Context, id: ContainerID) {
  const path = context.tasks.get(id)?.spec?.linux?.cgroupsPath;
  if (path === undefined) throw notRunning(id);
  return freezer(context.host.cgroups, path);
}

/** The container may have ended meanwhile: then the diagram has no such arrow. */
async function move(context: Context, id: ContainerID, type: "paused" | "unpaused"): Promise<Container> {
  const moved = await context.locks.run(id, () => {
    const state = transition(context.store.get(id).state, { type });
    if (!state) throw notRunning(id);
    return context.store.update(id, { state });
  });
  await context.store.durable();
  return moved;
}
