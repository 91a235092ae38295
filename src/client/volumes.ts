import type { Volume, VolumeListResponse } from "#api/engine";
import type { PruneReport } from "./containers.ts";
import type { EngineClient } from "./engine-client.ts";
import { encodeFilters, type Filters } from "./filters.ts";

function route(volume: string): string {
  return `/volumes/${encodeURIComponent(volume)}`;
}

export async function list(engine: EngineClient, filters?: Filters): Promise<Volume[]> {
  const answer = await engine.json<VolumeListResponse>("GET", "/volumes", {
    query: { filters: encodeFilters(filters) },
  });
  return answer.Volumes ?? [];
}

export function inspect(engine: EngineClient, volume: string): Promise<Volume> {
  return engine.json("GET", route(volume));
}

export async function remove(engine: EngineClient, volume: string, options: { force?: boolean } = {}): Promise<void> {
  await engine.discard("DELETE", route(volume), { query: { force: options.force } });
}

export async function prune(engine: EngineClient, filters?: Filters): Promise<PruneReport> {
  const answer = await engine.json<{ VolumesDeleted?: string[] | null; SpaceReclaimed?: number }>(
    "POST",
    "/volumes/prune",
    { query: { filters: encodeFilters(filters) } },
  );
  return { deleted: answer.VolumesDeleted ?? [], spaceReclaimed: answer.SpaceReclaimed ?? 0 };
}
