import type { Volumes } from "#core/containers";
import { parseFilters } from "#core/events";
import { EngineError } from "#lib/errors";
import { notImplemented } from "../errors.ts";
import { empty, json } from "../reply.ts";
import { get, post, put, type Route, remove } from "../router.ts";
import { volumeView } from "../views/volume.ts";

interface VolumeParts {
  readonly volumes: Pick<Volumes, "list" | "get" | "remove" | "prune">;
}

/** Volumes that came with containers; named ones come with a later version. */
export function volumeRoutes({ volumes }: VolumeParts): Route[] {
  return [
    get("/volumes", async ({ query }) => {
      const found = await volumes.list(parseFilters(query.text("filters")));
      return json({ Volumes: found.map(volumeView), Warnings: null });
    }),
    post("/volumes/create", () => {
      throw notImplemented("creating volumes");
    }),
    post("/volumes/prune", async ({ query }) => {
      const { deleted, reclaimedBytes } = await volumes.prune(parseFilters(query.text("filters")));
      return json({ VolumesDeleted: deleted, SpaceReclaimed: reclaimedBytes });
    }),
    get("/volumes/{name}", async ({ params }) => json(volumeView(await volumes.get(params.name ?? "")))),
    put("/volumes/{name}", () => {
      throw new EngineError("unavailable", "volume update only valid for cluster volumes, but swarm is unavailable");
    }),
    remove("/volumes/{name}", async ({ params, query }) => {
      await volumes.remove(params.name ?? "", { force: query.flag("force") });
      return empty(204);
    }),
  ];
}
