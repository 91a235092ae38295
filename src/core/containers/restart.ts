import type { StopOptions } from "./containers.ts";
import { type Context, emit, settled } from "./context.ts";
import { parseSignal } from "./signals.ts";
import { start } from "./start.ts";
import { isRunning } from "./state.ts";
import { stopTask } from "./stop.ts";

/** Stops a container if it runs, and starts it. */
export async function restart(context: Context, reference: string, options: StopOptions): Promise<void> {
  const { id } = context.store.resolve(reference);
  const signal = options.signal === "" ? undefined : parseSignal(options.signal);
  await settled(context, id);
  const { state } = context.store.get(id);
  if (isRunning(state) || state.status === "restarting") {
    await stopTask(context, id, { signal, timeoutSeconds: options.timeoutSeconds, restarting: true });
  }
  await start(context, id);
  emit(context, "restart", context.store.get(id));
}
