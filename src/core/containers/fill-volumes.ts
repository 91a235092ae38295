import { mkdir, readdir, rm } from "node:fs/promises";
import type { ProcessPlan } from "#executor";
import type { Container } from "./container.ts";

/**
 * The volumes that the first start of a container fills with what its image has at their places: those that are still
 * empty. Should the start fail they are emptied again, so that the next one starts over.
 */
export async function emptyVolumes(
  { state, mounts, hostConfig }: Container,
  undo: AsyncDisposableStack,
): Promise<ReadonlySet<string>> {
  const empty = new Set<string>();
  if (state.status !== "created") return empty;
  const untouched = new Set(
    (hostConfig.Mounts ?? []).flatMap((mount) => (mount.VolumeOptions?.NoCopy ? [mount.Target] : [])),
  );
  for (const { Type: type, Source: source = "", Destination: destination } of mounts) {
    if (type !== "volume" || untouched.has(destination) || (await readdir(source)).length > 0) continue;
    empty.add(source);
    undo.defer(async () => {
      await rm(source, { recursive: true, force: true });
      await mkdir(source, { mode: 0o755 });
    });
  }
  return empty;
}

/** The plan with these volumes filled. Another runtime makes the mounts itself: there the plan has none of them. */
export function fillVolumes(plan: ProcessPlan, volumes: ReadonlySet<string>): ProcessPlan {
  if (volumes.size === 0) return plan;
  const inside = plan.inside.map((op) => (op.op === "bind" && volumes.has(op.source) ? { ...op, copyUp: true } : op));
  return { ...plan, inside };
}
