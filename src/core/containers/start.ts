import type { Container, ContainerID } from "./container.ts";
import { type Context, settled } from "./context.ts";
import { alreadyStarted, isBeingRemoved, startWhilePaused } from "./errors.ts";
import { recordFailedStart } from "./failed-start.ts";
import { withJoinedNames } from "./join.ts";
import { launch } from "./launch.ts";

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
  let container: Container | undefined;
  while (!container) {
    await settled(context, id);
    container = await context.locks.run(id, () => {
      // Somebody else may have been quicker to begin.
      if (context.starting.has(id)) return undefined;
      const prepared = prepare(context.store.get(id));
      context.starting.set(id, turn.promise);
      return prepared;
    });
  }
  try {
    await launch(context, withJoinedNames(context, container));
  } catch (error) {
    throw await recordFailedStart(context, id, error);
  } finally {
    context.starting.delete(id);
    turn.resolve();
  }
}

function refuseStart({ id, name, state }: Container): void {
  if (state.status === "running") throw alreadyStarted(name);
  if (state.status === "paused") throw startWhilePaused();
  if (state.status === "removing" || state.status === "dead") throw isBeingRemoved(id);
}
