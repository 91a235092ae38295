import { acceptOnly, parseFilters } from "#core/events";
import { EngineError } from "#lib/errors";
import { notImplemented } from "../errors.ts";
import { json } from "../reply.ts";
import { get, post, type Route, type RouteHandler, remove } from "../router.ts";

/** No plugin is installed, and none can be. */
export function pluginRoutes(): Route[] {
  const missing: RouteHandler = ({ params }) => {
    throw new EngineError("not-found", `plugin ${JSON.stringify(params.name)} not found`);
  };
  const refuse: RouteHandler = () => {
    throw notImplemented("installing plugins");
  };
  return [
    get("/plugins", ({ query }) => {
      acceptOnly(parseFilters(query.text("filters")), ["capability", "enabled"]);
      return json([]);
    }),
    get("/plugins/privileges", refuse),
    post("/plugins/pull", refuse),
    post("/plugins/create", refuse),
    get("/plugins/{name}/json", missing),
    post("/plugins/{name}/enable", missing),
    post("/plugins/{name}/disable", missing),
    post("/plugins/{name}/upgrade", missing),
    post("/plugins/{name}/push", missing),
    post("/plugins/{name}/set", missing),
    remove("/plugins/{name}", missing),
  ];
}
