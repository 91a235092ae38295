import { join } from "node:path";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { imageMountPaths, unmount } from "./image-mounts.ts";

/**
 * Deletes the run-time folder of a container that has ended. Several runs of one container may be under deletion at once. A lost
 * monitor may have left things mounted in it.
 */
export async function discardTask(
  context: Context,
  container: Container,
  { monitorLost }: { monitorLost: boolean },
): Promise<void> {
  const { layout, trash } = context;
  const { id } = container;
  if (monitorLost) await unmount(context, [layout.task(id).shm, ...imageMountPaths(context, container)]);
  await trash.discard({ path: layout.task(id).path, doomed: join(layout.endedTasks, crypto.randomUUID()) });
}
