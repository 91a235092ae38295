import { collect } from "./collect.ts";
import { createContent } from "./content.ts";
import { handle } from "./http/handler.ts";
import { createParts } from "./parts.ts";
import type { Registry, RegistryOptions } from "./registry.ts";
import { retain } from "./retain.ts";

/** @throws `invalid-parameter` for settings with a pattern that has no meaning */
export function createRegistry(options: RegistryOptions): Registry {
  const parts = createParts(options);
  return {
    fetch: (request, peer) => handle(parts, request, peer),
    collect: (how) => collect(parts, how),
    retain: (how) => retain(parts, how),
    content: createContent(parts),
  };
}
