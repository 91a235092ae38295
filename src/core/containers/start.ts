import type { EngineError } from "#lib/errors";
import type { Container, ContainerID } from "./container.ts";
import { type Context, whenSettled } from "./context.ts";
import { alreadyStarted, isBeingRemoved, startWhilePaused } from "./errors.ts";
import { recordFailedStart } from "./failed-start.ts";
import { withJoinedNames } from "./join.ts";
import { launch } from "./launch.ts";
import { autoRemove } from "./remove.ts";

/** Starts a container because a user wants it: from now on its restart policy is in force. */
export async function start(context: Context, reference: string): Promise<void> {
  const { id } = context.store.resolve(reference);
  await launchOnce(context, id, (container) => {
    refuseStart(container);
    context.restarts.get(id)?.cancel?.();
    context.restarts.delete(id);
    return { ...container, desired: "run", restartCount: 0 };
  });
}

/**
 * Launches a container unless `prepare` throws; `prepare` sees the record as it is and returns it as it shall be started.
 * Meanwhile the container counts as starting. A failure is recorded before it is thrown.
 */
export async function launchOnce(
  context: Context,
  id: ContainerID,
  prepare: (container: Container) => Container,
): Promise<void> {
  const turn = Promise.withResolvers<void>();
  const container = await whenSettled(context, id, () => {
    const prepared = prepare(context.store.get(id));
    context.starting.set(id, turn.promise);
    return prepared;
  });
  const failure = await tryLaunch(context, container).finally(() => {
    context.starting.delete(id);
    turn.resolve();
  });
  if (!failure) return;
  if (container.hostConfig.AutoRemove) await autoRemove(context, id);
  throw failure;
}

async function tryLaunch(context: Context, container: Container): Promise<EngineError | undefined> {
  try {
    await launch(context, withJoinedNames(context, container));
    return undefined;
  } catch (error) {
    return await recordFailedStart(context, container.id, error);
  }
}

function refuseStart({ id, name, state }: Container): void {
  if (state.status === "running") throw alreadyStarted(name);
  if (state.status === "paused") throw startWhilePaused();
  if (state.status === "removing" || state.status === "dead") throw isBeingRemoved(id);
}
