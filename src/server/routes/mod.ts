import type { Backends } from "../backends.ts";
import type { Route } from "../router.ts";
import { commitRoutes } from "./commit.ts";
import { containerFileRoutes } from "./container-files.ts";
import { containerStreamRoutes } from "./container-streams.ts";
import { containerRoutes } from "./containers.ts";
import { diskUsageRoutes } from "./disk-usage.ts";
import { execRoutes } from "./exec.ts";
import { imageFileRoutes } from "./image-files.ts";
import { imageSourceRoutes } from "./image-sources.ts";
import { imageRoutes } from "./images.ts";
import { laterRoutes } from "./later.ts";
import { networkRoutes } from "./networks.ts";
import { pluginRoutes } from "./plugins.ts";
import { pushRoutes } from "./push.ts";
import { registryRoutes } from "./registries.ts";
import { swarmRoutes } from "./swarm.ts";
import { systemRoutes } from "./system.ts";
import { volumeRoutes } from "./volumes.ts";

/** Every route of the API. */
export function allRoutes(backends: Backends): Route[] {
  return [
    // First, because a name in a path takes anything: `/containers/{id}` would also fit `/containers/x/checkpoints/y`.
    ...laterRoutes(),
    ...systemRoutes(backends),
    ...diskUsageRoutes(backends),
    ...containerRoutes(backends),
    ...containerFileRoutes(backends),
    ...containerStreamRoutes(backends),
    ...commitRoutes(backends),
    ...execRoutes(backends),
    ...registryRoutes(backends),
    ...imageFileRoutes(backends),
    ...imageRoutes(backends),
    ...imageSourceRoutes(backends),
    ...pushRoutes(backends),
    ...networkRoutes(backends),
    ...volumeRoutes(backends),
    ...pluginRoutes(),
    ...swarmRoutes(),
  ];
}
