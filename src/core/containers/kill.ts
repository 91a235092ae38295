import { EngineError, isKind } from "#lib/errors";
import type { ContainerID, Desired } from "./container.ts";
import { type Context, emit, settled, type Task, whenSettled } from "./context.ts";
import { cannotKill, notRunning } from "./errors.ts";
import { thaw, tolerateDeath } from "./pause.ts";
import { parseSignal } from "./signals.ts";
import { isRunning, transition } from "./state.ts";

export const SIGKILL = 9;
export const SIGTERM = 15;

/** Sends a signal. One that means to end the container takes it out of its restart policy's hands. */
export async function kill(context: Context, reference: string, signal: string): Promise<void> {
  try {
    const number = signal === "" ? SIGKILL : parseSignal(signal);
    const { id } = context.store.resolve(reference);
    await settled(context, id);
    const { config } = context.store.get(id);
    const ends = number === SIGKILL || number === stopSignal(config.StopSignal);
    await signalTask(context, id, { signal: number, desired: ends ? "stop" : undefined });
  } catch (error) {
    throw error instanceof EngineError ? cannotKill(reference, error) : error;
  }
}

/** Kills a container and resolves when its end was recorded, or takes back a restart that is due. */
export async function endTask(context: Context, id: ContainerID, desired: Desired): Promise<void> {
  const task = await signalTask(context, id, { signal: SIGKILL, desired }).catch(tolerateEnd);
  await task?.ended;
}

/**
 * Sends a signal. One that ends the container for good (`desired`) takes back a restart that is due, and then gives no task.
 *
 * @throws `conflict` when the container does not run
 */
export async function signalTask(
  context: Context,
  id: ContainerID,
  { signal, desired }: { signal: number; desired: Desired | undefined },
): Promise<Task | undefined> {
  const running = await whenSettled(context, id, () => {
    if (desired && cancelRestart(context, id, desired)) return undefined;
    const current = context.store.get(id);
    const task = context.tasks.get(id);
    if (!isRunning(current.state) || !task) throw notRunning(id);
    const changes = desired && desired !== current.desired;
    return { task, container: changes ? context.store.update(id, { desired }) : current };
  });
  if (desired) await context.store.durable();
  if (!running) return undefined;
  const { task, container } = running;
  if (signal === SIGKILL) task.killed = true;
  await task.monitor.signal(signal);
  emit(context, "kill", container, { signal: String(signal) });
  const mustThaw = task.freezing && (signal === SIGKILL || signal === SIGTERM);
  if (mustThaw) await thaw(context, id).catch(tolerateDeath);
  return task;
}

/** It may have ended by itself a moment ago. */
export function tolerateEnd(error: unknown): undefined {
  if (!isKind(error, "conflict")) throw error;
}

/** The number of a container's stop signal. */
export function stopSignal(text: string | null | undefined): number {
  return text ? parseSignal(text) : SIGTERM;
}

/** Ends the back-off of a container that waits for its next restart. */
function cancelRestart(context: Context, id: ContainerID, desired: Desired): boolean {
  const state = transition(context.store.get(id).state, { type: "restart-canceled" });
  if (!state) return false;
  context.restarts.get(id)?.cancel?.();
  context.restarts.delete(id);
  context.store.update(id, { state, desired });
  return true;
}
