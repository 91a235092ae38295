import { acceptOnly, parseFilters } from "#core/events";
import { EngineError } from "#lib/errors";
import { notImplemented } from "../errors.ts";
import { empty, json } from "../reply.ts";
import { get, post, put, type Route, remove } from "../router.ts";

/** Named volumes come with a later version: until then there are none, and Docker's answers for that. */
export function volumeRoutes(): Route[] {
  return [
    get("/volumes", ({ query }) => {
      acceptOnly(parseFilters(query.text("filters")), ["dangling", "driver", "label", "name"]);
      return json({ Volumes: [], Warnings: null });
    }),
    post("/volumes/create", () => {
      throw notImplemented("creating volumes");
    }),
    post("/volumes/prune", ({ query }) => {
      acceptOnly(parseFilters(query.text("filters")), ["all", "label", "label!"]);
      return json({ VolumesDeleted: [], SpaceReclaimed: 0 });
    }),
    get("/volumes/{name}", ({ params }) => {
      throw noSuchVolume(params.name ?? "");
    }),
    put("/volumes/{name}", () => {
      throw new EngineError("unavailable", "volume update only valid for cluster volumes, but swarm is unavailable");
    }),
    remove("/volumes/{name}", ({ params, query }) => {
      if (query.flag("force")) return empty(204);
      throw noSuchVolume(params.name ?? "");
    }),
  ];
}

function noSuchVolume(name: string): EngineError {
  return new EngineError("not-found", `get ${name}: no such volume`);
}
