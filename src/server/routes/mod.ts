import type { Backends } from "../backends.ts";
import type { Route } from "../router.ts";
import { containerStreamRoutes } from "./container-streams.ts";
import { containerRoutes } from "./containers.ts";
import { imageRoutes } from "./images.ts";
import { systemRoutes } from "./system.ts";

export function allRoutes(backends: Backends): Route[] {
  return [
    ...systemRoutes(backends),
    ...containerRoutes(backends),
    ...containerStreamRoutes(backends),
    ...imageRoutes(backends),
  ];
}
