import type { ContainerID } from "./container.ts";
import type { StopOptions } from "./containers.ts";
import { type Context, settled } from "./context.ts";
import { alreadyStopped } from "./errors.ts";
import { endTask, signalTask, stopSignal, tolerateEnd } from "./kill.ts";
import { parseSignal } from "./signals.ts";
import { isRunning } from "./state.ts";

/** Docker's patience with a container that says nothing else. */
const STOP_TIMEOUT_SECONDS = 10;

export async function stop(context: Context, reference: string, options: StopOptions): Promise<void> {
  const { id } = context.store.resolve(reference);
  const signal = options.signal === "" ? undefined : parseSignal(options.signal);
  await settled(context, id);
  const { name, state } = context.store.get(id);
  if (!isRunning(state) && state.status !== "restarting") throw alreadyStopped(name);
  await stopTask(context, id, { signal, timeoutSeconds: options.timeoutSeconds, restarting: false });
}

/** Asks a running container to end, kills it when its time is up, and resolves when the end was recorded. */
export async function stopTask(
  context: Context,
  id: ContainerID,
  options: { signal: number | undefined; timeoutSeconds: number | undefined; restarting: boolean },
): Promise<void> {
  const { config } = context.store.get(id);
  const running = context.tasks.get(id);
  if (running) {
    running.stopping = true;
    running.restarting ||= options.restarting;
  }
  const desired = options.restarting ? "run" : "stop";
  const signal = options.signal ?? stopSignal(config.StopSignal);
  const task = await signalTask(context, id, { signal, desired }).catch(tolerateEnd);
  if (!task) return await settled(context, id);
  const seconds = options.timeoutSeconds ?? config.StopTimeout ?? STOP_TIMEOUT_SECONDS;
  if (seconds >= 0 && !(await endsWithin(context, task.ended, seconds * 1000))) {
    await endTask(context, id, desired);
  }
  await task.ended;
}

async function endsWithin(context: Context, ended: Promise<void>, limitMs: number): Promise<boolean> {
  if (limitMs === 0) return false;
  const late = Promise.withResolvers<boolean>();
  const cancel = context.clock.after(limitMs, () => late.resolve(false));
  try {
    return await Promise.race([ended.then(() => true), late.promise]);
  } finally {
    cancel();
  }
}
