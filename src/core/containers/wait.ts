import type { WaitCondition, WaitOutcome } from "./containers.ts";
import { type Context, settled } from "./context.ts";
import { isRunning } from "./state.ts";

/** Registers before it returns. The exit code of a container that never ran is 0, as Docker says. */
export async function wait(
  context: Context,
  reference: string,
  condition: WaitCondition,
  signal?: AbortSignal,
): Promise<{ outcome: Promise<WaitOutcome> }> {
  const { id } = context.store.resolve(reference);
  if (condition === "removed") return { outcome: context.waiters.next("removal", id, signal) };
  if (condition === "next-exit") return { outcome: context.waiters.next("exit", id, signal) };
  await settled(context, id);
  const { state } = context.store.get(id);
  if (isRunning(state) || state.status === "restarting") return { outcome: context.waiters.next("exit", id, signal) };
  return { outcome: Promise.resolve({ statusCode: state.exitCode ?? 0 }) };
}
