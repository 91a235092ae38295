import { EngineError, messageOf } from "#lib/errors";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { nextDelayMs } from "./restart-policy.ts";
import { launchOnce } from "./start.ts";

/** Starts a container in state `restarting` again after its back-off. */
export function scheduleRestart(context: Context, { id }: Container, runMs: number): void {
  const delayMs = nextDelayMs(context.restarts.get(id)?.delayMs ?? 0, runMs);
  const cancel = context.clock.after(delayMs, () => {
    context.restarts.set(id, { delayMs });
    context.background.run(`restart of container ${id}`, restartNow(context, id, requireRestarting));
  });
  context.restarts.set(id, { delayMs, cancel });
}

function requireRestarting(container: Container): Container {
  if (container.state.status !== "restarting") throw new EngineError("canceled", "the restart was taken back");
  return container;
}

/** Starts a container as its policy says. A failure is in the record by then; Docker gives up as well. */
export async function restartNow(
  context: Context,
  id: Container["id"],
  prepare: (container: Container) => Container,
): Promise<void> {
  try {
    await launchOnce(context, id, prepare);
  } catch (error) {
    context.logger.warn("restart by policy failed", { container: id, error: messageOf(error) });
  }
}
