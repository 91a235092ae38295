import type { Network } from "#api/engine";
import type { EngineClient } from "./engine-client.ts";
import { encodeFilters, type Filters } from "./filters.ts";

function route(network: string): string {
  return `/networks/${encodeURIComponent(network)}`;
}

export function list(engine: EngineClient, filters?: Filters): Promise<Network[]> {
  return engine.json("GET", "/networks", { query: { filters: encodeFilters(filters) } });
}

export function inspect(engine: EngineClient, network: string, options: { verbose?: boolean } = {}): Promise<Network> {
  return engine.json("GET", route(network), { query: { verbose: options.verbose } });
}

export async function remove(engine: EngineClient, network: string): Promise<void> {
  await engine.discard("DELETE", route(network));
}

export async function prune(engine: EngineClient, filters?: Filters): Promise<readonly string[]> {
  const answer = await engine.json<{ NetworksDeleted?: string[] | null }>("POST", "/networks/prune", {
    query: { filters: encodeFilters(filters) },
  });
  return answer.NetworksDeleted ?? [];
}
