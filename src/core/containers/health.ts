import type { Health, HealthcheckResult } from "#api/engine";
import { messageOf } from "#lib/errors";
import { formatNano, nanoOf } from "#lib/time";
import type { ContainerID } from "./container.ts";
import { type Context, emit, type Task } from "./context.ts";
import { type HealthCheck, healthCheckOf } from "./health-check.ts";
import { runProbe } from "./probe.ts";
import { isRunning } from "./state.ts";

export type HealthState = NonNullable<Health>;

/** Results that inspect shows. */
const RESULTS_KEPT = 5;
const STARTING: HealthState = { Status: "starting", FailingStreak: 0, Log: [] };

/** Checks the health of a container for as long as its task lives, if it has a health check. */
export async function watchHealth(context: Context, id: ContainerID, task: Task): Promise<void> {
  const check = healthCheckOf(context.store.get(id).config);
  if (!check) return;
  context.health.set(id, STARTING);
  while (await livesFor(context, task, nextInterval(context, id, check))) {
    if (context.store.find(id)?.state.status !== "running") continue;
    const result = await probe(context, { id, task, check });
    if (isLive(context, id) && !context.released.signal.aborted) record(context, id, { result, check });
  }
}

/**
 * The health after a result. Failures while the container starts up do not count, until the start period is over or a check
 * succeeded; then so many in a row make it unhealthy.
 */
export function nextHealth(
  health: HealthState,
  result: NonNullable<HealthcheckResult>,
  { retries, isStartingUp }: { retries: number; isStartingUp: boolean },
): HealthState {
  const log = [...(health.Log ?? []), result].slice(-RESULTS_KEPT);
  if (result.ExitCode === 0) return { Status: "healthy", FailingStreak: 0, Log: log };
  const spared = health.Status === "starting" && isStartingUp;
  const streak = (health.FailingStreak ?? 0) + (spared ? 0 : 1);
  return { Status: streak >= retries ? "unhealthy" : (health.Status ?? "starting"), FailingStreak: streak, Log: log };
}

function nextInterval(context: Context, id: ContainerID, check: HealthCheck): number {
  const isStarting = context.health.get(id)?.Status === "starting";
  return isStarting && isStartingUp(context, id, check) ? check.startIntervalMs : check.intervalMs;
}

function isStartingUp(context: Context, id: ContainerID, { startPeriodMs }: HealthCheck): boolean {
  const state = context.store.find(id)?.state;
  if (!state || !isRunning(state)) return false;
  const age = context.clock.nowNano() - (nanoOf(state.startedAt) ?? 0n);
  return age < BigInt(Math.round(startPeriodMs * 1_000_000));
}

async function probe(
  context: Context,
  { id, task, check }: { id: ContainerID; task: Task; check: HealthCheck },
): Promise<NonNullable<HealthcheckResult>> {
  const Start = formatNano(context.clock.nowNano());
  const { exitCode, output } = await runProbe(context, { container: context.store.get(id), task, check }).catch(
    (error) => ({
      exitCode: -1,
      output: messageOf(error),
    }),
  );
  return { Start, End: formatNano(context.clock.nowNano()), ExitCode: exitCode, Output: output };
}

function record(
  context: Context,
  id: ContainerID,
  { result, check }: { result: NonNullable<HealthcheckResult>; check: HealthCheck },
): void {
  const before = context.health.get(id) ?? STARTING;
  const after = nextHealth(before, result, { retries: check.retries, isStartingUp: isStartingUp(context, id, check) });
  context.health.set(id, after);
  if (after.Status !== before.Status) emit(context, `health_status: ${after.Status}`, context.store.get(id));
}

function isLive(context: Context, id: ContainerID): boolean {
  const state = context.store.find(id)?.state;
  return state !== undefined && isRunning(state);
}

/** True after that time, false as soon as the task is over. */
async function livesFor(context: Context, task: Task, ms: number): Promise<boolean> {
  const due = Promise.withResolvers<boolean>();
  const cancel = context.clock.after(ms, () => due.resolve(true));
  try {
    return await Promise.race([due.promise, task.ended.then(() => false)]);
  } finally {
    cancel();
  }
}
