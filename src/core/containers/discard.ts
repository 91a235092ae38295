import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerID } from "./container.ts";
import type { Context } from "./context.ts";

/**
 * Puts a folder out of sight, under a name of the same filesystem, and deletes it when nobody waits: filesystems take about a millisecond
 * for each directory. What a crash leaves of it `reconcile` deletes. Absence is fine.
 */
export async function discard(
  { background }: Pick<Context, "background">,
  { path, doomed }: { path: string; doomed: string },
): Promise<void> {
  try {
    await rename(path, doomed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  background.run(`delete "${doomed}"`, rm(doomed, { recursive: true, force: true }));
}

/** The run-time folder of a container that has ended. Several runs of one container may be under deletion at once. */
export async function discardTask(context: Context, id: ContainerID): Promise<void> {
  const { layout } = context;
  const doomed = join(layout.endedTasks, crypto.randomUUID());
  await discard(context, { path: layout.task(id).path, doomed });
}
