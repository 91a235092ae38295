/**
 * The end of a run: record, clean-up, events, and whatever follows from policy. Order matters:
 *
 *  1. the record, so that a crash after it loses no exit code (until then the monitor's exit record is on disk);
 *  2. addresses, ports and the run-time folder, so that nobody who was told sees them still taken;
 *  3. events and waiters;
 *  4. restart or removal.
 */
import type { Endpoint } from "#core/networks";
import type { ExitRecord } from "#executor";
import { isKind, messageOf } from "#lib/errors";
import { formatNano, nanoOf } from "#lib/time";
import { cleanUpCgroup } from "./cgroup.ts";
import type { Container, ContainerID, Ended } from "./container.ts";
import { type Context, emit, emitNetwork, type Task } from "./context.ts";
import { discardTask } from "./discard-task.ts";
import { autoRemove } from "./remove.ts";
import { wantsRestart } from "./restart-policy.ts";
import { scheduleRestart } from "./restart-timer.ts";
import { transition } from "./state.ts";

/** What a process gets that had to be killed because its monitor was gone. */
const EXIT_CODE_LOST = 137;

interface End {
  readonly exit: ExitRecord;
  /** What the monitor does after the end may not have been done. */
  readonly monitorLost: boolean;
}

/** Waits for the end of a task and handles it. */
export async function followEnd(context: Context, id: ContainerID, task: Task): Promise<void> {
  const end = await endOf(context, id, task);
  if (!end) return;
  task.monitor.close();
  const container = await finishRun(context, id, end);
  if (container.state.status === "restarting") scheduleRestart(context, container, runMs(container.state));
  else if (container.hostConfig.AutoRemove && !task.restarting && container.desired !== "remove") {
    await autoRemove(context, id);
  }
}

/** Handles the end of a container that the record has as running, with its task or (after a crash) without. What follows is left. */
export async function finishRun(context: Context, id: ContainerID, { exit, monitorLost }: End): Promise<Container> {
  const task = context.tasks.get(id);
  const { container, endpoint } = await context.locks.run(id, () => recordEnd(context, id, { exit, task }));
  const cleanUp = await Promise.allSettled([
    context.store.durable(),
    endpoint && context.networks.release(id, { monitorLost }),
    discardTask(context, container, { monitorLost }),
  ]);
  // It has ended all the same: whoever waits is told, and its policy goes on.
  for (const part of cleanUp) {
    if (part.status === "rejected") logFailedCleanUp(context, id, part.reason);
  }
  context.execs.containerEnded(id);
  announce(context, container, { exit, task, endpoint });
  context.tasks.delete(id);
  return container;
}

function logFailedCleanUp({ logger }: Context, id: ContainerID, error: unknown): void {
  logger.error("clean-up after the end of a container failed", { container: id, error: messageOf(error) });
}

function recordEnd(
  context: Context,
  id: ContainerID,
  { exit, task }: { exit: ExitRecord; task: Task | undefined },
): { container: Container; endpoint: Endpoint | undefined } {
  const { endpoint, ...current } = context.store.get(id);
  const restart =
    current.desired === "run" &&
    !task?.restarting &&
    wantsRestart(current.hostConfig.RestartPolicy ?? {}, {
      exitCode: exit.exitCode,
      restartCount: current.restartCount,
    });
  const state = transition(current.state, { type: "exited", record: exit, restart });
  if (!state) throw new Error(`container ${id} ended in state ${current.state.status}`);
  const container: Container = { ...current, state, restartCount: current.restartCount + (restart ? 1 : 0) };
  context.store.save(container);
  return { container, endpoint };
}

function announce(
  context: Context,
  container: Container,
  { exit, task, endpoint }: { exit: ExitRecord; task: Task | undefined; endpoint: Endpoint | undefined },
): void {
  if (exit.oomKilled) emit(context, "oom", container);
  if (endpoint) emitNetwork(context, "disconnect", container, endpoint);
  if (task?.stopping) emit(context, "stop", container);
  const seconds = "startedAt" in container.state ? Math.floor(runMs(container.state as Ended) / 1000) : 0;
  emit(context, "die", container, { exitCode: String(exit.exitCode), execDuration: String(seconds) });
  context.waiters.wake("exit", container.id, {
    statusCode: exit.exitCode,
    ...(exit.error ? { error: exit.error } : {}),
  });
}

function runMs({ startedAt, finishedAt }: Ended): number {
  const nano = (nanoOf(finishedAt) ?? 0n) - (nanoOf(startedAt) ?? 0n);
  return Math.max(0, Number(nano / 1_000_000n));
}

/**
 * The exit record from the monitor, or from the file it left. A monitor that vanished takes its container along.
 * Undefined when this daemon ends and lets go of a container that runs on.
 */
async function endOf(context: Context, id: ContainerID, task: Task): Promise<End | undefined> {
  try {
    return { exit: await task.monitor.exited, monitorLost: false };
  } catch (error) {
    if (isKind(error, "canceled")) return undefined;
    if (!isKind(error, "unavailable")) throw error;
    context.logger.error("monitor lost", { container: id, error: messageOf(error) });
    return await endWithoutMonitor(context, id, task.spec?.linux?.cgroupsPath);
  }
}

/** How a run ended whose monitor is gone: by the record it left or, when it left none, because we end what it left running. */
export async function endWithoutMonitor(
  context: Context,
  id: ContainerID,
  cgroupsPath: string | undefined,
): Promise<End> {
  const left = await context.readExitRecord(context.layout.task(id).exit);
  if (cgroupsPath) {
    const plan = cleanUpCgroup(context.host.cgroups, cgroupsPath);
    await context.executor.run(plan).catch((error) => logFailedCleanUp(context, id, error));
  }
  const lost = {
    exitCode: EXIT_CODE_LOST,
    signal: 9,
    oomKilled: false,
    exitedAt: formatNano(context.clock.nowNano()),
    error: "the monitor of the container was lost",
  };
  return { exit: left ?? lost, monitorLost: true };
}
