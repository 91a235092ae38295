import { EngineError } from "#lib/errors";
import { notImplemented } from "../errors.ts";
import { get, post, type Route, type RouteHandler, remove } from "../router.ts";

const NOT_A_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/** What a node that is in no swarm answers to everything about swarms. */
export function swarmRoutes(): Route[] {
  const inactive: RouteHandler = () => {
    throw new EngineError("unavailable", NOT_A_MANAGER);
  };
  const refuse: RouteHandler = () => {
    throw notImplemented("swarm mode");
  };
  return [
    get("/swarm", inactive),
    post("/swarm/init", refuse),
    post("/swarm/join", refuse),
    post("/swarm/leave", () => {
      throw new EngineError("unavailable", "This node is not part of a swarm");
    }),
    post("/swarm/update", inactive),
    get("/swarm/unlockkey", inactive),
    post("/swarm/unlock", inactive),
    ...["nodes", "services", "tasks", "secrets", "configs"].flatMap((kind) => [
      get(`/${kind}`, inactive),
      get(`/${kind}/{id}/logs`, inactive),
      get(`/${kind}/{id}`, inactive),
      post(`/${kind}/create`, inactive),
      post(`/${kind}/{id}/update`, inactive),
      remove(`/${kind}/{id}`, inactive),
    ]),
  ];
}
