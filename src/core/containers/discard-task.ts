import { join } from "node:path";
import type { ContainerID } from "./container.ts";
import type { Context } from "./context.ts";

/** The run-time folder of a container that has ended. Several runs of one container may be under deletion at once. */
export async function discardTask({ layout, trash }: Context, id: ContainerID): Promise<void> {
  await trash.discard({ path: layout.task(id).path, doomed: join(layout.endedTasks, crypto.randomUUID()) });
}
