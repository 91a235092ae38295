import { acceptOnly, parseFilters } from "#core/events";
import { EngineError } from "#lib/errors";
import { invalid, notImplemented } from "../errors.ts";
import { json } from "../reply.ts";
import { get, post, type Route, type RouteHandler, remove } from "../router.ts";

const BUILD_CACHE_FILTERS = [
  "description",
  "id",
  "inuse",
  "label",
  "label!",
  "parent",
  "private",
  "shared",
  "type",
  "until",
  "unused-for",
];

/** What clients may ask for and this version does not do: each refused by its name, so that nobody has to guess. */
export function laterRoutes(): Route[] {
  const build = refuse("building images");
  return [
    post("/build", build),
    post("/build/cancel", ({ query }) => {
      if (query.text("id") === "") throw invalid("build ID not provided");
      throw notImplemented("building images");
    }),
    post("/build/prune", ({ query }) => {
      acceptOnly(parseFilters(query.text("filters")), BUILD_CACHE_FILTERS);
      return json({ CachesDeleted: null, SpaceReclaimed: 0 });
    }),
    post("/session", upgradeTo("invalid-parameter")),
    post("/grpc", upgradeTo("internal")),
    post("/containers/{id}/update", refuse("changing the limits of a container")),
    get("/containers/{id}/stats", refuse("the statistics of a container")),
    get("/containers/{id}/checkpoints", experimental),
    post("/containers/{id}/checkpoints", experimental),
    remove("/containers/{id}/checkpoints/{checkpoint}", experimental),
  ];
}

function refuse(feature: string): RouteHandler {
  return () => {
    throw notImplemented(feature);
  };
}

/** BuildKit's transports: what is missing first is the upgrade, and Docker says so with two different statuses. */
function upgradeTo(kind: "invalid-parameter" | "internal"): RouteHandler {
  return ({ headers }) => {
    if (!headers.has("upgrade")) throw new EngineError(kind, "no upgrade proto in request");
    throw notImplemented("building images");
  };
}

function experimental(): never {
  throw new EngineError(
    "not-implemented",
    "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
  );
}
