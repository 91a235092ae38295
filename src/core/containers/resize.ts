import { type Context, emit } from "./context.ts";
import { notRunning } from "./errors.ts";

export async function resize(
  context: Context,
  reference: string,
  { width, height }: { width: number; height: number },
): Promise<void> {
  const container = context.store.resolve(reference);
  const task = context.tasks.get(container.id);
  if (!task) throw notRunning(container.id);
  // Without a terminal there is nothing to resize, and that is fine with Docker.
  if (container.config.Tty) await task.monitor.resize({ width, height });
  emit(context, "resize", container, { height: String(height), width: String(width) });
}
